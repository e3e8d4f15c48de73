import { SluiceError } from '../core/errors.ts';
import { bindTask } from '../inference/bound-task.ts';
import { readModel } from '../inference/manifest.ts';
import { findModel } from '../inference/model-set.ts';
import { onnxDeployment } from '../inference/onnx/deployment.ts';
import { type EnrichedDocument, readEnriched } from './enriched-file.ts';

export interface Hit {
  readonly document: EnrichedDocument;
  /** Cosine of the query and the document's nearest vector. */
  readonly score: number;
  /** The part of the text that the nearest vector stands for. */
  readonly passage: string;
}

export const DEFAULT_MODEL = 'models/minilm-l6-enrich-en';

/** Turns texts into vectors with a local model. @throws SluiceError when it has no text_embedding */
export const embed = async (path: string, texts: readonly string[]): Promise<Float32Array[]> => {
  const model = readModel(findModel(path, '.'));
  if (model.manifest.tasks.text_embedding === undefined)
    throw new SluiceError('SLUICE_MODEL_INVALID', 'the model gives no vectors', { place: model.folder });
  const task = bindTask(model.manifest, path, { text_embedding: {} }, { prefix: 'search' });
  const deployment = onnxDeployment({
    model,
    number_of_allocations: 1,
    threads_per_allocation: 1,
    queue_capacity: texts.length + 1,
    timeout_ms: 60_000,
    log: { warn: () => {} },
  });
  await deployment.start();
  try {
    return await Promise.all(
      texts.map(
        (text) =>
          new Promise<Float32Array>((resolve, reject) => {
            deployment.infer(task.request(text), (error, output) =>
              error ? reject(error) : resolve((output!.results.text_embedding as Float32Array[])[0]!),
            );
          }),
      ),
    );
  } finally {
    await deployment.close();
  }
};

/** The documents of a file that are nearest to a query, the best first. */
export const searchFile = async (path: string, query: Float32Array, size: number): Promise<Hit[]> => {
  const hits: Hit[] = [];
  let vectors = 0;
  for await (const document of readEnriched(path)) {
    let best: Hit | undefined;
    for (const { vector, start, end } of document.vectors) {
      if (vector.length !== query.length) continue;
      vectors += 1;
      const score = cosine(query, vector);
      if (best === undefined || score > best.score)
        best = { document, score, passage: document.text.slice(start ?? 0, end ?? document.text.length) };
    }
    if (best === undefined) continue;
    hits.push(best);
    hits.sort((a, b) => b.score - a.score);
    if (hits.length > size) hits.pop();
  }
  if (vectors === 0) {
    throw new SluiceError('SLUICE_USAGE', `the file has no vectors of ${query.length} numbers`, {
      place: path,
      hint: 'Write it with a text_embedding step first, and search with the same model (--model).',
    });
  }
  return hits;
};

const cosine = (a: Float32Array, b: readonly number[]): number => {
  let dot = 0;
  let left = 0;
  let right = 0;
  for (let dim = 0; dim < a.length; dim += 1) {
    dot += a[dim]! * b[dim]!;
    left += a[dim]! * a[dim]!;
    right += b[dim]! * b[dim]!;
  }
  return left === 0 || right === 0 ? 0 : dot / Math.sqrt(left * right);
};

/** One hit in two lines of at most `width` characters. */
export const formatHit = ({ document, score, passage }: Hit, rank: number, width: number): string => {
  const title = `${rank}. ${score.toFixed(2)}  ${document.title ?? document.id ?? '(untitled)'}`;
  return `${cut(title, width)}\n${cut(`         ${passage.replace(/\s+/g, ' ').trim()}`, width)}`;
};

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
