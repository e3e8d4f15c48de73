import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import type { LocalTask } from '../manifest-schema.ts';
import { pairWindows } from '../pair-windows.ts';
import { type FromWorker, loadFailure, type ToWorker } from '../protocol.ts';
import { taskOf } from '../tasks/table.ts';
import { TextFault, type WorkerModel } from '../tasks/task.ts';
import { Tokenizer } from '../tokenizer.ts';
import { chunkWindows, sentenceWindows, truncatedWindow, type Window, type WindowPlan } from '../windows.ts';
import type { InferenceOutput, InferenceRequest, WorkerSettings } from './protocol.ts';
import { type Sequence, sequenceOf } from './sequence.ts';
import { OnnxSession } from './session.ts';
import { standBack } from './thread-priority.ts';

const { model, threads, provider, low } = workerData as WorkerSettings;
const { manifest } = model;
const port = parentPort!;
type InferenceJob = InferenceRequest & { readonly id: number };
const tell = (message: FromWorker<InferenceOutput>, transfer: ArrayBuffer[] = []) =>
  port.postMessage(message, transfer);

/** Windows of equal length that run together, and up to which length that pays. Measured for the bundled model. */
const EQUAL_LENGTH = { windows: 8, tokens: 48 };

/** A job with the windows that are still to run. */
interface Work {
  readonly job: InferenceJob;
  readonly plan: WindowPlan;
  /** The graph's outputs that its tasks want, each once. */
  readonly outputs: readonly string[];
  /** For each of its tasks what each window gave. */
  readonly values: unknown[][];
  left: number;
}

const inbox: InferenceJob[] = [];
const pending: { work: Work; index: number; window: Window; sequence: Sequence }[] = [];
const cancelled = new Set<number>();
let wake: (() => void) | undefined;
let closing = false;
/** Tokens that runs were padded with since the last answer. */
let padding = 0;

port.on('message', (message: ToWorker<InferenceRequest>) => {
  if (message.kind === 'job') inbox.push(message.job);
  else if (message.kind === 'cancel') cancelled.add(message.id);
  else closing = true;
  wake?.();
});

const refuse = (id: number, error: unknown): void => {
  const type = error instanceof TextFault ? 'illegal_argument_exception' : 'inference_exception';
  tell({ kind: 'refused', id, type, message: messageOf(error) });
};

const plan = async ({ tokenizer }: WorkerModel, job: InferenceJob): Promise<void> => {
  if (cancelled.delete(job.id)) return tell({ kind: 'cancelled', id: job.id });
  try {
    const made = await windowsOf(tokenizer, job);
    const graphs = job.asks.map(({ task }) => manifest.tasks[task]);
    const outputs = [...new Set(job.asks.flatMap(({ task }, at) => taskOf(task).outputs(graphs[at])))];
    const values = job.asks.map(() => new Array<unknown>(made.windows.length));
    const work: Work = { job, plan: made, outputs, values, left: made.windows.length };
    made.windows.forEach((window, index) =>
      pending.push({ work, index, window, sequence: sequenceOf(window, tokenizer) }),
    );
  } catch (error) {
    refuse(job.id, error);
  }
};

/** How the job's texts go through the model. @throws TextFault */
const windowsOf = async (
  tokenizer: Tokenizer,
  { text, asks, truncate, span, longText }: InferenceJob,
): Promise<WindowPlan> => {
  const maxTokens = manifest.max_sequence_length;
  const [{ task, asked }] = asks as [InferenceJob['asks'][number]];
  const pairs = taskOf(task).pairs?.(text, asked);
  if (pairs !== undefined) {
    const plans = await Promise.all(pairs.map((pair) => pairWindows(tokenizer, pair, { maxTokens, truncate, span })));
    return {
      windows: plans.flatMap(({ windows }) => windows),
      truncated: plans.some(({ truncated }) => truncated),
      tokens: plans.reduce((sum, { tokens }) => sum + tokens, 0),
    };
  }
  if (longText === 'sentences') return sentenceWindows(tokenizer, text, manifest.window);
  if (longText !== 'truncate') return chunkWindows(tokenizer, text, longText, maxTokens);
  const made = await truncatedWindow(tokenizer, text, maxTokens);
  if (made.truncated && truncate === 'none' && span < 0)
    throw new TextFault(
      `Input too large. The tokenized input length exceeds the maximum sequence length [${maxTokens}]`,
    );
  // Of windows the first one decides; it is the head of the text.
  return span < 0 ? made : { ...made, truncated: false };
};

/** The next windows to run: one, or several of one length where the model gains from it. */
const nextWindows = () => {
  const first = pending.shift()!;
  const group = [first];
  const { length } = first.sequence.ids;
  if (manifest.batching !== 'equal_length' || length > EQUAL_LENGTH.tokens) return group;
  const outputs = first.work.outputs.join();
  for (let at = 0; at < pending.length && group.length < EQUAL_LENGTH.windows; ) {
    const other = pending[at]!;
    if (other.sequence.ids.length === length && other.work.outputs.join() === outputs)
      group.push(...pending.splice(at, 1));
    else at += 1;
  }
  return group;
};

/** A job that was taken back: none of its windows run any more. */
const drop = (work: Work, say = (id: number) => tell({ kind: 'cancelled', id })): void => {
  work.left = 0;
  for (let at = pending.length - 1; at >= 0; at -= 1) if (pending[at]!.work === work) pending.splice(at, 1);
  say(work.job.id);
};

const run = async (session: OnnxSession, ready: WorkerModel): Promise<void> => {
  const next = nextWindows();
  for (const { work } of next) if (cancelled.delete(work.job.id)) drop(work);
  const group = next.filter(({ work }) => work.left > 0);
  const [first] = group;
  if (first === undefined) return;
  const { outputs } = first.work;
  const rows = await session.run(
    group.map(({ sequence }) => sequence),
    outputs,
  );
  const lengths = group.map(({ sequence }) => sequence.ids.length);
  padding += Math.max(...lengths) * lengths.length - lengths.reduce((sum, length) => sum + length, 0);
  for (const [row, { work, index, window, sequence }] of group.entries()) {
    // Another window of the same text may have been refused in this very run.
    if (work.left === 0) continue;
    try {
      work.job.asks.forEach(({ task, asked }, at) => {
        const definition = taskOf(task);
        const graph = manifest.tasks[task];
        const wanted = definition.outputs(graph).map((name) => rows[row]![outputs.indexOf(name)]!);
        const part = { text: work.job.text, window, offset: sequence.offset, ids: sequence.ids, rows: wanted };
        work.values[at]![index] = definition.part(part, graph, asked, ready);
      });
      work.left -= 1;
      if (work.left === 0) await finish(work, group.length, ready);
    } catch (error) {
      drop(work, (id) => refuse(id, error));
    }
  }
};

const finish = async (
  { job, plan: { windows, truncated, tokens }, values }: Work,
  batch: number,
  ready: WorkerModel,
): Promise<void> => {
  const results: Partial<Record<LocalTask, unknown>> = {};
  const moved: ArrayBuffer[] = [];
  for (const [at, { task, asked }] of job.asks.entries()) {
    const definition = taskOf(task);
    const result: unknown = await definition.whole(values[at]!, manifest.tasks[task], asked, ready);
    results[task] = result;
    moved.push(...((definition.moved?.(result) ?? []) as ArrayBuffer[]));
  }
  const places = windows.map(({ start, end }) => ({ start, end }));
  tell({ kind: 'done', id: job.id, output: { results, windows: places, truncated, tokens, batch, padding } }, moved);
  padding = 0;
};

const main = async (): Promise<void> => {
  const tokenizer = await Tokenizer.ofModel(model.folder);
  // Before the session starts threads of its own.
  if (low) standBack();
  const session = await OnnxSession.load(model, threads, provider);
  const ready: WorkerModel = { manifest, tokenizer };
  tell({ kind: 'ready' });
  while (!closing) {
    while (inbox.length > 0) await plan(ready, inbox.shift()!);
    if (pending.length > 0) {
      await run(session, ready);
      // Messages (new jobs, cancellations) are only seen between two runs.
      await new Promise<void>((resolve) => setImmediate(resolve));
      continue;
    }
    cancelled.clear();
    if (closing) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    wake = undefined;
  }
  // A thread that ends with an open session can take the process with it.
  await session.close();
  tell({ kind: 'closed' });
  port.close();
};

main().catch((error: unknown) => {
  tell(loadFailure(error));
  port.close();
});
