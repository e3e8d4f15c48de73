import type { Command } from 'commander';
import { modelsAlias, modelsList, modelsRemove, modelsShow, modelsUse, modelsVerify } from './commands/models.ts';

/** `sluice models …`: the models of this machine. */
export const addModelsCommands = (program: Command, finish: (status: number) => void): void => {
  const models = program
    .command('models')
    .description('the models of this machine: fetch, list, check, try and remove');
  const command = (name: string, description: string) =>
    models.command(name).description(description).option('--json', 'output as JSON');
  command('list', 'bundled ones and those in the store; * is the version that an id alone means').action(
    (options: object) => finish(modelsList(options)),
  );
  command('show', 'all about one: task, licence, source, files')
    .argument('<id>', 'id, alias or id@version')
    .action((id: string, options: object) => finish(modelsShow(id, options)));
  command('verify', 'read the files again and compare their sha-256')
    .argument('[id]', 'id, alias or id@version (default: all)')
    .action(async (id: string | undefined, options: object) => finish(await modelsVerify(id, options)));
  command('use', 'make a version the one that the id alone means')
    .argument('<id@version>', 'a version that is in the store')
    .action(async (id: string, options: object) => finish(await modelsUse(id, options)));
  command('alias', 'give a model another name; without arguments lists them')
    .argument('[alias]', 'the other name')
    .argument('[id]', 'id or id@version')
    .option('--remove <alias>', 'remove one')
    .action(async (alias: string | undefined, id: string | undefined, options: object) =>
      finish(await modelsAlias(alias, id, options)),
    );
  command('remove', 'remove a model, or one version of it')
    .argument('<id>', 'id or id@version')
    .action(async (id: string, options: object) => finish(await modelsRemove(id, options)));
};
