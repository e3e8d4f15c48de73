import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../src/inference/protocol.ts';

// A model's thread that does what the text says: answer, hang, or end.
const port = parentPort!;
const tell = (message: FromWorker<{ tokens: number; text: string }>) => port.postMessage(message);
const cancelled = new Set<number>();

port.on('message', (message: ToWorker<{ text: string }>) => {
  if (message.kind === 'close') return port.close();
  if (message.kind === 'cancel') return void cancelled.add(message.id);
  const { id, text } = message.job;
  if (text.startsWith('hang')) return;
  if (text.startsWith('end')) process.exit(1);
  const answer = () => {
    tell(cancelled.delete(id) ? { kind: 'cancelled', id } : { kind: 'done', id, output: { tokens: 1, text } });
  };
  if (text.startsWith('slow')) setTimeout(answer, 300);
  else answer();
});
tell({ kind: 'ready' });
