import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { type FromWorker, loadFailure, type ToWorker } from '../protocol.ts';
import { TextFault } from '../tasks/task.ts';
import { loadPipeline } from './load-pipeline.ts';
import type { TransformersOutput, TransformersRequest, TransformersSettings } from './protocol.ts';
import { runTask, type TaskPipeline } from './run-task.ts';

const settings = workerData as TransformersSettings;
const port = parentPort!;
const tell = (message: FromWorker<TransformersOutput>) => port.postMessage(message);

type Job = TransformersRequest & { readonly id: number };

const cancelled = new Set<number>();
let loaded: TaskPipeline | undefined;
let line: Promise<void> = Promise.resolve();

port.on('message', (message: ToWorker<TransformersRequest>) => {
  if (message.kind === 'cancel') cancelled.add(message.id);
  // One text at a time, in order; closing waits for the one that runs.
  else line = line.then(() => (message.kind === 'job' ? run(message.job) : close()));
});

const run = async ({ id, text, options }: Job): Promise<void> => {
  if (cancelled.delete(id)) return tell({ kind: 'cancelled', id });
  try {
    const { tokenizer } = loaded!;
    const { input_ids } = tokenizer(text, { truncation: false, return_tensor: false }) as { input_ids: unknown[] };
    const most = tokenizer.model_max_length;
    const truncated = most !== undefined && input_ids.length > most;
    if (truncated && options.truncate === 'none')
      throw new TextFault(
        `Input too large. The tokenized input length [${input_ids.length}] exceeds the maximum sequence length [${most}]`,
      );
    const fields = await runTask(settings.task, loaded!, text, options);
    tell({
      kind: 'done',
      id,
      output: { fields: truncated ? { ...fields, is_truncated: true } : fields, tokens: input_ids.length },
    });
  } catch (error) {
    const type = error instanceof TextFault ? 'illegal_argument_exception' : 'inference_exception';
    tell({ kind: 'refused', id, type, message: messageOf(error) });
  }
};

const close = async (): Promise<void> => {
  // A thread that ends with an open session can take the process with it.
  await loaded?.dispose();
  tell({ kind: 'closed' });
  port.close();
};

try {
  loaded = await loadPipeline(settings);
  tell({ kind: 'ready' });
} catch (error) {
  tell(loadFailure(error));
  port.close();
}
