import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import { changeAliases, readAliases } from './aliases.ts';
import { syncPath, unwritable, writeDurably } from './durable-file.ts';
import { withLock } from './lock.ts';
import { checkName, readReference, showReference } from './names.ts';
import type { ModelStore } from './store.ts';

/** From now on the id alone means this version. What runs already goes on with its own. */
export const switchVersion = (store: ModelStore, id: string, version: string): Promise<void> =>
  writeDurably(join(store.folder, id, 'current'), `${version}\n`);

/** `sluice models use`: makes a version the current one. @throws SluiceError */
export const makeCurrent = async (store: ModelStore, name: string): Promise<string> => {
  const { id, version } = store.resolve(name);
  if (version === undefined)
    throw new SluiceError('SLUICE_USAGE', `[${name}] names no version`, { hint: 'Write ID@VERSION.' });
  store.find(showReference({ id, version }));
  await withLock(store.folder, id, () => switchVersion(store, id, version));
  return showReference({ id, version });
};

/** Gives a model another name; an alias may be moved to another model at any time. @throws SluiceError */
export const setAlias = async (store: ModelStore, alias: string, target: string): Promise<void> => {
  checkName(alias, 'an alias');
  if (store.isBundled(alias) || store.versions(alias).length > 0)
    throw new SluiceError('SLUICE_USAGE', `[${alias}] is the id of a model and cannot be an alias`);
  const reference = store.resolve(target);
  store.find(target);
  await changeAliases(store.folder, (aliases) => {
    aliases[alias] = showReference(reference);
  });
};

/** @throws SluiceError */
export const removeAlias = (store: ModelStore, alias: string): Promise<void> =>
  changeAliases(store.folder, (aliases) => {
    if (aliases[alias] === undefined)
      throw new SluiceError('SLUICE_MODEL_MISSING', `there is no alias [${alias}]`, { place: store.folder });
    delete aliases[alias];
  });

/**
 * Removes a model, or one version of it, and the aliases that mean it.
 * @returns what was removed
 * @throws SluiceError
 */
export const removeModel = async (store: ModelStore, name: string): Promise<string[]> => {
  if (readAliases(store.folder)[name] !== undefined)
    throw new SluiceError('SLUICE_USAGE', `[${name}] is an alias`, {
      hint: `\`sluice models alias --remove ${name}\` removes an alias; a model is removed by its id.`,
    });
  const { id, version } = readReference(name);
  if (store.isBundled(id))
    throw new SluiceError('SLUICE_USAGE', `the model [${id}] comes with sluice and is not removed`);
  const versions = store.versions(id);
  const leftover = version === undefined ? await removeLeftovers(store, id) : [];
  if (versions.length === 0 && leftover.length > 0) return leftover;
  if (versions.length === 0 || version !== undefined) store.find(name);
  const others = versions.filter((one) => one !== version);
  if (version !== undefined && others.length > 0 && store.current(id) === version)
    throw new SluiceError('SLUICE_USAGE', `[${name}] is the current version of [${id}]`, {
      hint: `Make another one current first: \`sluice models use ${id}@${others[0]}\`.`,
    });
  const gone = version === undefined ? versions : [version];
  await withLock(store.folder, id, async () => {
    const whole = gone.length === versions.length;
    await vanish(store.folder, whole ? join(store.folder, id) : join(store.folder, id, version!));
    const meanings = [...gone.map((one) => showReference({ id, version: one })), ...(whole ? [id] : [])];
    const aliases = Object.entries(readAliases(store.folder)).filter(([, target]) => meanings.includes(target));
    if (aliases.length > 0)
      await changeAliases(store.folder, (all) => {
        for (const [alias] of aliases) delete all[alias];
      });
  });
  return [...gone.map((one) => showReference({ id, version: one })), ...leftover];
};

/** Of downloads that never came to their end. */
const removeLeftovers = async (store: ModelStore, id: string): Promise<string[]> => {
  const folder = join(store.folder, '.partial', id);
  const versions = await readdir(folder).catch(() => []);
  for (const version of versions)
    await withLock(store.folder, showReference({ id, version }), () =>
      rm(join(folder, version), { recursive: true, force: true }),
    );
  await rm(folder, { recursive: true, force: true });
  return versions.map((version) => `${showReference({ id, version })} (incomplete)`);
};

/** In one step for whoever looks, however long the deletion takes. */
export const vanish = async (store: string, folder: string): Promise<void> => {
  try {
    await mkdir(join(store, '.partial'), { recursive: true });
    const aside = join(store, '.partial', `_removed-${crypto.randomUUID().slice(0, 8)}`);
    await rename(folder, aside);
    await syncPath(join(folder, '..'));
    await rm(aside, { recursive: true, force: true });
  } catch (error) {
    throw unwritable(folder, error);
  }
};
