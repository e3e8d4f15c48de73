import { SluiceError } from '../../core/errors.ts';
import { readAliases } from '../../inference/store/aliases.ts';
import { makeCurrent, removeAlias, removeModel, setAlias } from '../../inference/store/changes.ts';
import { showReference } from '../../inference/store/names.ts';
import { shownBytes } from '../../inference/store/shown-bytes.ts';
import { ModelStore, type StoredModel } from '../../inference/store/store.ts';
import { sizeOf, verifyModel } from '../../inference/store/verify.ts';
import { fittedTable } from '../fitted-table.ts';
import { describeModel, modelJson, tasksOf } from '../model-description.ts';

export interface JsonOption {
  readonly json?: boolean;
}

const print = (value: unknown): void => console.log(JSON.stringify(value));

/** `sluice models list`: the bundled ones and all versions in the store. */
export const modelsList = ({ json }: JsonOption): number => {
  const store = new ModelStore();
  const models = store.list();
  if (json === true) {
    print({ store: store.folder, models: models.map(modelJson) });
    return 0;
  }
  const rows = models.map((model) => [
    model.id,
    model.version === undefined ? 'bundled' : `${model.version}${model.current ? ' *' : ''}`,
    model.problem === undefined ? tasksOf(model) : 'damaged',
    shownBytes(sizeOf(model)),
    model.aliases.join(',') || '-',
  ]);
  console.log(fittedTable(['ID', 'VERSION', 'TASK', 'SIZE', 'ALIASES'], rows, { keep: 2 }));
  return 0;
};

/** `sluice models show`: all about one model. */
export const modelsShow = (name: string, { json }: JsonOption): number => {
  const store = new ModelStore();
  const model = store.find(name);
  if (json === true) print({ ...modelJson(model), versions: store.versions(model.id), manifest: model.manifest });
  else console.log(describeModel(model, store.versions(model.id)));
  return 0;
};

/** `sluice models verify`: reads all files again. */
export const modelsVerify = async (name: string | undefined, { json }: JsonOption): Promise<number> => {
  const store = new ModelStore();
  const models = name === undefined ? store.list() : [store.find(name)];
  const damaged: StoredModel[] = [];
  for (const model of models) {
    const verified = await verifyModel(model);
    const { files, bytes, problems } = verified;
    if (problems.length > 0) damaged.push(model);
    if (json === true) print({ id: model.id, version: model.version, ...verified });
    else {
      const reference = showReference(model);
      console.log(
        `${reference}: ${problems.length === 0 ? `${files} files, ${shownBytes(bytes)}, as they were` : 'damaged'}`,
      );
      for (const problem of problems) console.log(`  ${problem}`);
    }
  }
  if (damaged.length === 0) return 0;
  const names = damaged.map(showReference).join(', ');
  throw new SluiceError('SLUICE_MODEL_INVALID', `files are missing or were changed: ${names}`, {
    place: damaged[0]!.folder,
    hint: damaged[0]!.bundled
      ? 'Install sluice again.'
      : '`sluice models pull` with --force, or `import`, puts the model there again.',
  });
};

/** `sluice models remove`. */
export const modelsRemove = async (name: string, { json }: JsonOption): Promise<number> => {
  const removed = await removeModel(new ModelStore(), name);
  if (json === true) print({ removed });
  else for (const one of removed) console.log(`removed ${one}`);
  return 0;
};

/** `sluice models use`: which version the id alone means. */
export const modelsUse = async (name: string, { json }: JsonOption): Promise<number> => {
  const current = await makeCurrent(new ModelStore(), name);
  if (json === true) print({ current });
  else console.log(`${current} is the current version`);
  return 0;
};

/** `sluice models alias`: lists, sets or removes other names. */
export const modelsAlias = async (
  alias: string | undefined,
  target: string | undefined,
  { json, remove }: JsonOption & { readonly remove?: string },
): Promise<number> => {
  const store = new ModelStore();
  if (remove !== undefined) await removeAlias(store, remove);
  else if (alias !== undefined && target !== undefined) await setAlias(store, alias, target);
  else if (alias !== undefined)
    throw new SluiceError('SLUICE_USAGE', `what shall [${alias}] mean?`, { hint: 'sluice models alias NAME ID' });
  const aliases = readAliases(store.folder);
  if (json === true) print({ aliases });
  else console.log(fittedTable(['ALIAS', 'MEANS'], Object.entries(aliases)));
  return 0;
};
