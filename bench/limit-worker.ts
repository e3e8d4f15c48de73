import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

// The limit: one ONNX Runtime session on one thread, texts tokenized before the clock runs.
const { model, ids, order } = workerData as { model: string; ids: number[][]; order: 'one' | 'sorted' };
const TOKENS = 2048;

// A listener from the start: without one the thread ends while ONNX Runtime still works.
const go = new Promise<void>((resolve) => parentPort!.on('message', () => resolve()));
const session = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});

const batches = (): number[][][] => {
  if (order === 'one') return ids.map((text) => [text]);
  const out: number[][][] = [];
  let batch: number[][] = [];
  for (const text of [...ids].sort((a, b) => a.length - b.length)) {
    if (batch.length > 0 && text.length * (batch.length + 1) > TOKENS) {
      out.push(batch);
      batch = [];
    }
    batch.push(text);
  }
  return [...out, batch];
};

const run = async (batch: number[][]) => {
  const length = Math.max(...batch.map((text) => text.length));
  const size = batch.length * length;
  const tokens = new BigInt64Array(size);
  const mask = new BigInt64Array(size);
  batch.forEach((text, row) =>
    text.forEach((id, column) => {
      tokens[row * length + column] = BigInt(id);
      mask[row * length + column] = 1n;
    }),
  );
  const shape = [batch.length, length];
  return session.run({
    input_ids: new Tensor('int64', tokens, shape),
    attention_mask: new Tensor('int64', mask, shape),
    token_type_ids: new Tensor('int64', new BigInt64Array(size), shape),
  });
};

for (const batch of batches().slice(0, 3)) await run(batch);
parentPort!.postMessage('ready');
await go;
for (const batch of batches()) await run(batch);
parentPort!.postMessage('done');
await session.release();
parentPort!.close();
