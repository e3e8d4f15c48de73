import { type Command, InvalidArgumentError, Option } from 'commander';
import { bytes } from '../config/units.ts';
import { MODEL_TASKS } from '../inference/manifest-schema.ts';
import { QUANTIZED } from '../inference/store/weights.ts';
import { modelsAlias, modelsList, modelsRemove, modelsShow, modelsUse, modelsVerify } from './commands/models.ts';
import { type CompareOptions, modelsCompare } from './commands/models-compare.ts';
import { modelsImport, modelsPull, type PullCommandOptions, type TakeOptions } from './commands/models-take.ts';
import { modelsTest, type TestOptions } from './commands/models-test.ts';

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
  taken(command('pull', 'fetch one from the Hugging Face hub, or from an address that has a sluice.json'))
    .argument('<model>', 'OWNER/NAME, OWNER/NAME@REVISION or https://host/path/')
    .option('--offline', 'ask nobody: only what is there (also HF_HUB_OFFLINE=1)')
    .option('--max-size <size>', 'bytes of a model at most (default: 8 GB)', size)
    .action(async (model: string, options: PullCommandOptions) => finish(await modelsPull(model, options)));
  taken(command('import', 'copy a folder of this machine into the store'))
    .argument('<folder>', 'in the Hugging Face layout: config.json, tokenizer.json, onnx/*.onnx')
    .action(async (folder: string, options: TakeOptions) => finish(await modelsImport(folder, options)));
  command('test', 'load one, run a text through it, and tell result and time')
    .argument('<id>', 'id, alias or id@version')
    .option('--text <text>', 'the text')
    .option('--inference-config <json>', 'e.g. {"zero_shot_classification":{"labels":["a","b"]}}', config)
    .action(async (id: string, options: TestOptions) => finish(await modelsTest(id, options)));
  command('compare', 'two models on the same texts: how far they agree, and what each costs')
    .argument('<a>', 'local:ID, local:./FOLDER, es:MODEL_ID, endpoint:TASK/ID or sluice:MODEL_ID')
    .argument('<b>', 'another one')
    .requiredOption('--docs <file>', 'NDJSON documents or lines of text, plain or compressed')
    .option('--field <name>', 'field of the documents (default: the usual names of a text)')
    .option('--limit <n>', 'texts at most', count, 200)
    .option('--inference-config <json>', 'e.g. {"text_embedding":{}} (default: each task that both do)', config)
    .option('--nodes <urls...>', 'of the cluster or of sluice (default: ELASTICSEARCH_URL, else localhost:9200)')
    .option('--api-key-file <file>', 'encoded API key (default: ELASTICSEARCH_API_KEY)')
    .action(async (a: string, b: string, options: CompareOptions) => finish(await modelsCompare(a, b, options)));
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

/** What pull and import have in common. */
const taken = (command: Command): Command =>
  command
    .option('--id <id>', 'its id in the store (default: made from its name)')
    .option('--alias <names...>', 'other names for it')
    .addOption(
      new Option('--quantized <kind>', 'which weights; auto prefers the smallest that runs well')
        .choices(QUANTIZED)
        .default('auto'),
    )
    .option('--file <path>', 'a graph by its path, in place of a kind')
    .addOption(new Option('--task-type <task>', 'what it does (default: what its files say)').choices(MODEL_TASKS))
    .option('--inference-config <json>', 'defaults for the inference processor, e.g. {"ner":{}}', config)
    .option('--force', 'replace the same version')
    .option('--no-test', 'do not load it for a trial first');

const size = (text: string): number => {
  const parsed = bytes().safeParse(text);
  if (!parsed.success || parsed.data < 1) throw new InvalidArgumentError('not a size: write it like 500mb.');
  return parsed.data;
};

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('not a number of texts.');
};

const config = (text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    const tasks: readonly string[] = MODEL_TASKS;
    if (
      typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(
        ([task, options]) => tasks.includes(task) && typeof options === 'object' && options !== null,
      )
    )
      return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError(`not a JSON object by task, one of ${MODEL_TASKS.join(', ')}.`);
};
