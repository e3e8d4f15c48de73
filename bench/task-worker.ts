import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Sequence } from '../src/inference/onnx/sequence.ts';

// ONNX Runtime alone on one thread: texts tokenized before the clock runs, outputs looked at by nobody.
const { graph, outputs, sequences } = workerData as {
  readonly graph: string;
  readonly outputs: readonly string[];
  readonly sequences: readonly Sequence[];
};
const go = new Promise<void>((resolve) => parentPort!.on('message', () => resolve()));
const session = await InferenceSession.create(graph, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});
const run = ({ ids, types }: Sequence) => {
  const shape = [1, ids.length];
  const tensor = (values: BigInt64Array) => new Tensor('int64', values, shape);
  const feeds: Record<string, Tensor> = {};
  const { inputNames } = session;
  if (inputNames.includes('input_ids')) feeds.input_ids = tensor(BigInt64Array.from(ids, BigInt));
  if (inputNames.includes('attention_mask')) feeds.attention_mask = tensor(new BigInt64Array(ids.length).fill(1n));
  if (inputNames.includes('token_type_ids'))
    feeds.token_type_ids = tensor(BigInt64Array.from(types ?? new Array<number>(ids.length).fill(0), BigInt));
  return session.run(feeds, outputs);
};
for (const sequence of sequences.slice(0, 3)) await run(sequence);
parentPort!.postMessage('ready');
await go;
for (const sequence of sequences) await run(sequence);
parentPort!.postMessage('done');
await session.release();
parentPort!.close();
