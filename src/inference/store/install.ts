import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import { onnxTrial } from '../load-local.ts';
import { readModel } from '../manifest.ts';
import type { Manifest, ModelSource, ModelTask } from '../manifest-schema.ts';
import { runTrial } from '../trial.ts';
import { changeAliases } from './aliases.ts';
import { setAlias, switchVersion, vanish } from './changes.ts';
import { syncPath, unwritable, writeDurably } from './durable-file.ts';
import { withLock } from './lock.ts';
import { type Reference, showReference } from './names.ts';
import type { ModelStore, StoredModel } from './store.ts';
import { taskOfFolder } from './task-type.ts';

/** What the one who takes a model in says about it. */
export interface TakeIn {
  /** The id in the store, in place of one made from the name. */
  readonly id?: string | undefined;
  readonly aliases?: readonly string[] | undefined;
  /** Defaults of `inference_config`. */
  readonly inference_config?: InferenceConfig | undefined;
  readonly task?: ModelTask | undefined;
  /** False where it is not loaded for a trial before it is taken in. */
  readonly trial: boolean;
  /** Replaces the same version. */
  readonly force: boolean;
}

export interface Staged {
  readonly folder: string;
  readonly graph: string;
  readonly sums: Readonly<Record<string, { readonly sha256: string; readonly size: number }>>;
  readonly source: ModelSource;
  readonly license: string | undefined;
  readonly pipeline_tag?: string | undefined;
}

/**
 * Checks a version that is complete, and takes it in: for whoever looks it is there as a whole, or not at all.
 * @throws SluiceError
 */
export const install = async (
  store: ModelStore,
  reference: Required<Reference> & { readonly version: string },
  staged: Staged,
  take: TakeIn,
): Promise<StoredModel> => {
  const { id, version } = reference;
  const manifest = await describe(reference, staged, take);
  if (take.trial) await tryModel(staged, manifest);
  await withLock(store.folder, id, async () => {
    const target = store.folderOf(reference);
    await writeDurably(join(staged.folder, 'sluice.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    try {
      await syncAll(staged.folder);
      await mkdir(join(store.folder, id), { recursive: true });
    } catch (error) {
      throw unwritable(target, error);
    }
    if (store.versions(id).includes(version)) await vanish(store.folder, target);
    else await rm(target, { recursive: true, force: true });
    try {
      await rename(staged.folder, target);
      await rmdir(dirname(staged.folder)).catch(() => {});
      await syncPath(join(store.folder, id));
    } catch (error) {
      throw unwritable(target, error);
    }
    await switchVersion(store, id, version);
  });
  await nameIt(store, id, take.aliases);
  return store.find(showReference(reference));
};

/** An alias that was of use before the model had it as its id would hide the model. */
export const nameIt = async (store: ModelStore, id: string, aliases: readonly string[] = []): Promise<void> => {
  if (store.resolve(id).id !== id)
    await changeAliases(store.folder, (all) => {
      delete all[id];
    });
  for (const alias of aliases) await setAlias(store, alias, id);
};

/** What the files say, and what they are. A source's own `sluice.json` knows best what its graph gives. */
const describe = async (
  { id, version }: Reference & { readonly version: string },
  { folder, graph, sums, source, license, pipeline_tag }: Staged,
  { task, inference_config }: TakeIn,
): Promise<Manifest> => {
  const own = sums['sluice.json'] !== undefined;
  // Of a try that came no further.
  if (!own) await rm(join(folder, 'sluice.json'), { force: true });
  const guessed = own ? undefined : (task ?? taskOfFolder(folder, pipeline_tag));
  const { manifest } = readModel(folder, { file: graph, task_type: guessed });
  for (const [file, wanted] of Object.entries(manifest.sha256)) checkSum(folder, file, wanted, sums[file]?.sha256);
  const files = Object.entries(sums).filter(([file]) => file !== 'sluice.json');
  return {
    ...manifest,
    id,
    version,
    source,
    license: manifest.license ?? license,
    ...(guessed !== undefined && { task_type: guessed }),
    inference_config:
      inference_config === undefined
        ? manifest.inference_config
        : ({ ...manifest.inference_config, ...inference_config } as Manifest['inference_config']),
    sha256: Object.fromEntries(files.map(([file, { sha256 }]) => [file, sha256])),
    size: Object.fromEntries(files.map(([file, { size }]) => [file, size])),
  };
};

const checkSum = (folder: string, file: string, wanted: string, found: string | undefined): void => {
  if (found === undefined || found === wanted) return;
  throw new SluiceError(
    'SLUICE_MODEL_INVALID',
    `the sha-256 of ${file} is ${found}, and the model's sluice.json says ${wanted}`,
    { place: folder, hint: 'The model is damaged where it comes from.' },
  );
};

/** Loads it in a process of its own and runs a text: labels, dimensions and outputs have to fit. */
const tryModel = async ({ folder, source }: Staged, manifest: Manifest): Promise<void> => {
  try {
    await runTrial(onnxTrial({ folder, manifest }, ''));
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(error.code, `the model does not run: ${error.message}`, {
      place: source.from,
      hint: 'Choose other weights with --quantized or --file, say what it does with --task-type, or use another model; --no-test takes it in all the same.',
      cause: error,
    });
  }
};

const syncAll = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await syncPath(join(entry.parentPath, entry.name));
  await syncPath(folder);
};
