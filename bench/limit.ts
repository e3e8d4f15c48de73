import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Tokenizer } from '../src/inference/tokenizer.ts';
import { root } from './texts.ts';

const MODEL = `${root}models/minilm-l6-enrich-en`;
const MAX_TOKENS = 256;

/** Documents a second of ONNX Runtime alone, one session for each core. */
export const limit = async (texts: readonly string[], order: 'one' | 'sorted'): Promise<number> => {
  const tokenizer = await Tokenizer.load(`${MODEL}/tokenizer.json`);
  const ids = (await tokenizer.encodeAll(texts)).map((pieces) => [
    ...tokenizer.before,
    ...pieces.ids.slice(0, MAX_TOKENS - 2),
    ...tokenizer.after,
  ]);
  const workers = Array.from(
    { length: availableParallelism() },
    (_, index, { length } = { length: availableParallelism() }) => {
      const part = ids.filter((_text, at) => at % length === index);
      return new Worker(new URL('./limit-worker.ts', import.meta.url), {
        workerData: { model: `${MODEL}/onnx/model_tokenwise.onnx`, ids: part, order },
      });
    },
  );
  const exited = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  const told = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
  await Promise.all(workers.map(told));
  const started = performance.now();
  await Promise.all(
    workers.map((worker) => {
      const done = told(worker);
      worker.postMessage('go');
      return done;
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(exited);
  return texts.length / seconds;
};
