import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type ModelFiles, sha256OfFile } from './manifest.ts';

/** Rises when the same model gives other results for the same text: by a change of windows, of labels, of rounding. */
const RESULTS = 3;

/**
 * Names all that a model's results depend on, for what outlives the process: the graph with the weights beside it, the
 * tokenizer, what the manifest makes of the outputs, and the runtime, which may round otherwise in its next version.
 */
export const resultIdentity = async ({ folder, manifest }: ModelFiles, sha256: string): Promise<string> => {
  const graph = join(folder, manifest.graph);
  const files = readdirSync(dirname(graph))
    .filter((name) => name.startsWith(basename(graph)) && name !== basename(graph))
    .sort()
    .map((name) => join(dirname(graph), name));
  const sums = await Promise.all([join(folder, 'tokenizer.json'), ...files].map(sha256OfFile));
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  const { version: _version, source: _source, size: _size, inference_config: _defaults, ...meaning } = manifest;
  const parts = [RESULTS, `onnx ${version} ${process.arch}`, sha256, ...sums, meaning];
  return hash('sha256', JSON.stringify(parts), 'base64');
};
