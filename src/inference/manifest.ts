import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { SluiceError } from '../core/errors.ts';
import { deriveManifest, deriveTasks, invalid, type ModelHints, readJsonFile } from './derive-manifest.ts';
import { type Manifest, type ModelTask, manifestSchema } from './manifest-schema.ts';

/** A model's folder, looked at but not loaded. */
export interface ModelFiles {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Reads what a model's folder says about itself: `sluice.json`, or the files of the Hugging Face layout.
 * @throws SluiceError SLUICE_MODEL_MISSING, SLUICE_MODEL_INVALID
 */
export const readModel = (folder: string, hints: ModelHints = {}): ModelFiles => {
  checkModelFolder(folder);
  const own = join(folder, 'sluice.json');
  const manifest = existsSync(own) ? parseManifest(own, folder, hints) : deriveManifest(folder, hints);
  const graph = hints.file ?? manifest.graph;
  if (!existsSync(join(folder, graph))) throw missing(folder, `${graph} is missing`);
  return { folder, manifest: withVector({ ...manifest, graph }, hints) };
};

/** Vectors as a pipeline file wants them, in place of what the model's files say. */
const withVector = (manifest: Manifest, { dimensions, element_type }: ModelHints): Manifest => {
  const { text_embedding } = manifest.tasks;
  if (text_embedding === undefined || (dimensions === undefined && element_type === undefined)) return manifest;
  const wanted = {
    dimensions: dimensions ?? text_embedding.dimensions,
    element_type: element_type ?? text_embedding.element_type,
  };
  if ((wanted.dimensions ?? 0) > text_embedding.dims)
    throw invalid(
      manifest.id,
      `dimensions is ${wanted.dimensions}, and the model gives ${text_embedding.dims} numbers`,
    );
  return { ...manifest, tasks: { ...manifest.tasks, text_embedding: { ...text_embedding, ...wanted } } };
};

/** @throws SluiceError SLUICE_MODEL_MISSING where a folder has not what every engine needs */
export const checkModelFolder = (folder: string): void => {
  if (!existsSync(folder)) throw missing(folder, 'the folder does not exist');
  for (const file of ['config.json', 'tokenizer.json'])
    if (!existsSync(join(folder, file))) throw missing(folder, `${file} is missing`);
};

const missing = (folder: string, why: string) =>
  new SluiceError('SLUICE_MODEL_MISSING', `the model cannot be loaded: ${why}`, {
    place: folder,
    hint: 'A model is a folder in the Hugging Face layout: config.json, tokenizer.json and onnx/*.onnx.',
  });

const parseManifest = (path: string, folder: string, hints: ModelHints): Manifest => {
  const raw = readJsonFile(path) as { tasks?: object; task_type?: ModelTask };
  // A model that was taken in for a task that ran elsewhere then.
  if (raw.task_type !== undefined && Object.keys(raw.tasks ?? {}).length === 0)
    raw.tasks = deriveTasks(folder, raw.task_type, hints);
  const parsed = manifestSchema.safeParse(raw);
  if (!parsed.success) throw invalid(path, z.prettifyError(parsed.error));
  return parsed.data;
};

export const sha256OfFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
};

/** Checks the manifest's checksums; answers with the graph's own. */
export const verifyChecksums = async ({ folder, manifest }: ModelFiles): Promise<string> => {
  for (const [file, wanted] of Object.entries(manifest.sha256)) {
    if (file === manifest.graph) continue;
    if (!existsSync(join(folder, file))) throw missing(folder, `${file} is missing`);
    checkSum(folder, file, wanted, await sha256OfFile(join(folder, file)));
  }
  const graph = await sha256OfFile(join(folder, manifest.graph));
  const wanted = manifest.sha256[manifest.graph];
  if (wanted !== undefined) checkSum(folder, manifest.graph, wanted, graph);
  return graph;
};

const checkSum = (folder: string, file: string, wanted: string, found: string): void => {
  if (found === wanted) return;
  throw new SluiceError('SLUICE_MODEL_INVALID', `the checksum of ${file} is ${found}, and sluice.json says ${wanted}`, {
    place: folder,
    hint: 'The file is damaged or was exchanged. Fetch the model again.',
  });
};
