import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { checkFileName } from '../../connections/model_files/file-name.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { readModel, sha256OfFile } from '../manifest.ts';
import { makeCurrent } from './changes.ts';
import { unwritable } from './durable-file.ts';
import { install, nameIt, type TakeIn } from './install.ts';
import { withLock } from './lock.ts';
import { showReference, stagingFolder } from './names.ts';
import { freeId, type Pulled } from './pull-hub.ts';
import { versionOfSums } from './pull-url.ts';
import type { ModelStore } from './store.ts';
import { chooseWeights, filesFor, type Quantized } from './weights.ts';

export interface ImportOptions extends TakeIn {
  readonly quantized: Quantized;
  readonly file?: string | undefined;
}

const MOST_ENTRIES = 10_000;

/** Takes a folder of this machine in: what a model needs is copied, the folder stays as it is. @throws SluiceError */
export const importFolder = async (store: ModelStore, path: string, options: ImportOptions): Promise<Pulled> => {
  const from = resolve(path);
  const names = await namesIn(from);
  const own = names.includes('sluice.json') && options.quantized === 'auto' && options.file === undefined;
  const weights = chooseWeights(
    names,
    { quantized: options.quantized, file: own ? readModel(from).manifest.graph : options.file },
    from,
  );
  const files = filesFor(names, weights.graph, from);
  const id = freeId(store, options.id ?? idOfFolder(from));
  const sums: Record<string, { sha256: string; size: number }> = {};
  for (const file of files) {
    const { size } = await stat(join(from, file));
    sums[file] = { sha256: await sha256OfFile(join(from, file)), size };
  }
  const version = versionOfSums(Object.fromEntries(Object.entries(sums).map(([file, { sha256 }]) => [file, sha256])));
  const reference = { id, version };
  if (store.versions(id).includes(version) && !options.force) {
    await makeCurrent(store, showReference(reference));
    await nameIt(store, id, options.aliases);
    return { model: store.find(showReference(reference)), already: true };
  }
  return withLock(store.folder, showReference(reference), async () => {
    const folder = stagingFolder(store.folder, id, version);
    try {
      await copyAll(from, folder, files);
      const source = { kind: 'folder' as const, from, dtype: weights.dtype };
      const staged = { folder, graph: weights.graph, sums, source, license: await licenseOf(from, names) };
      return { model: await install(store, reference, staged, options), already: false };
    } finally {
      // A copy is made again faster than it is checked.
      await rm(folder, { recursive: true, force: true });
      await rmdir(dirname(folder)).catch(() => {});
    }
  });
};

const namesIn = async (folder: string): Promise<string[]> => {
  const names: string[] = [];
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // The hub's own cache has links in place of files.
      if (!entry.isFile() && !(entry.isSymbolicLink() && (await stat(path)).isFile())) continue;
      names.push(path.slice(folder.length + 1).replaceAll(sep, '/'));
      if (names.length > MOST_ENTRIES) throw new Error(`more than ${MOST_ENTRIES} files: is it a model's folder?`);
    }
  } catch (error) {
    throw new SluiceError('SLUICE_MODEL_MISSING', `the folder cannot be read: ${messageOf(error)}`, {
      place: folder,
      hint: 'A model is a folder in the Hugging Face layout: config.json, tokenizer.json and onnx/*.onnx.',
    });
  }
  return names;
};

const copyAll = async (from: string, to: string, files: readonly string[]): Promise<void> => {
  for (const file of files) {
    const target = join(to, checkFileName(file, from));
    try {
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(from, file), target, constants.COPYFILE_FICLONE);
    } catch (error) {
      throw unwritable(target, error);
    }
  }
};

const idOfFolder = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 128);

/** As model cards have it at their head. */
const licenseOf = async (folder: string, names: readonly string[]): Promise<string | undefined> => {
  if (!names.includes('README.md')) return undefined;
  const text = await readFile(join(folder, 'README.md'), 'utf8');
  const head = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text.slice(0, 10_000))?.[1] ?? '';
  return /^license:\s*["']?([\w.+-]{1,100})/m.exec(head)?.[1];
};
