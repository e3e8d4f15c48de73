import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import type { LocalTask } from '../manifest.ts';
import { type FromWorker, loadFailure, type ToWorker } from '../protocol.ts';
import { type Entity, entitiesOf, tagsOf } from '../tasks/ner.ts';
import { Tokenizer } from '../tokenizer.ts';
import { sentenceWindows, truncatedWindow, type Window, type WindowPlan } from '../windows.ts';
import type { InferenceOutput, InferenceRequest, WorkerSettings } from './protocol.ts';
import { OnnxSession } from './session.ts';

const { model, threads } = workerData as WorkerSettings;
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
  readonly tasks: ReadonlySet<LocalTask>;
  readonly entities: Entity[][];
  readonly vectors: Float32Array[];
  left: number;
}

const inbox: InferenceJob[] = [];
const pending: { work: Work; index: number; window: Window }[] = [];
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

const plan = async (tokenizer: Tokenizer, job: InferenceJob): Promise<void> => {
  if (cancelled.delete(job.id)) return tell({ kind: 'cancelled', id: job.id });
  try {
    const { text, longText, truncate } = job;
    const whole = longText === 'sentences';
    const made = whole
      ? await sentenceWindows(tokenizer, text, manifest.window)
      : await truncatedWindow(tokenizer, text, manifest.max_sequence_length);
    if (made.truncated && truncate === 'none') {
      return tell({
        kind: 'refused',
        id: job.id,
        type: 'illegal_argument_exception',
        message: `Input too large. The tokenized input length exceeds the maximum sequence length [${manifest.max_sequence_length}]`,
      });
    }
    const work: Work = {
      job,
      plan: made,
      tasks: new Set(job.tasks),
      entities: [],
      vectors: [],
      left: made.windows.length,
    };
    made.windows.forEach((window, index) => pending.push({ work, index, window }));
  } catch (error) {
    tell({ kind: 'refused', id: job.id, type: 'inference_exception', message: messageOf(error) });
  }
};

/** The next windows to run: one, or several of one length where the model gains from it. */
const nextWindows = () => {
  const first = pending.shift()!;
  const group = [first];
  const { length } = first.window.pieces.ids;
  if (manifest.batching !== 'equal_length' || length > EQUAL_LENGTH.tokens) return group;
  for (let at = 0; at < pending.length && group.length < EQUAL_LENGTH.windows; ) {
    const other = pending[at]!;
    if (other.window.pieces.ids.length === length && other.work.job.tasks.join() === first.work.job.tasks.join())
      group.push(...pending.splice(at, 1));
    else at += 1;
  }
  return group;
};

/** A job that was taken back: none of its windows run any more. */
const drop = (work: Work): void => {
  work.left = 0;
  for (let at = pending.length - 1; at >= 0; at -= 1) if (pending[at]!.work === work) pending.splice(at, 1);
  tell({ kind: 'cancelled', id: work.job.id });
};

const run = async (session: OnnxSession): Promise<void> => {
  const next = nextWindows();
  for (const { work } of next) if (cancelled.delete(work.job.id)) drop(work);
  const group = next.filter(({ work }) => work.left > 0);
  const [first] = group;
  if (first === undefined) return;
  const results = await session.run(
    group.map(({ window }) => window),
    first.work.tasks,
  );
  const lengths = group.map(({ window }) => window.pieces.ids.length);
  padding += Math.max(...lengths) * lengths.length - lengths.reduce((sum, length) => sum + length, 0);
  results.forEach(({ logits, vector }, row) => {
    const { work, index, window } = group[row]!;
    if (logits !== undefined)
      work.entities[index] = entitiesOf(work.job.text, window, logits, tags, manifest.tasks.ner!.aggregation);
    if (vector !== undefined) work.vectors[index] = vector;
    work.left -= 1;
    if (work.left === 0) finish(work, group.length);
  });
};

const tags = tagsOf(manifest.labels ?? []);

const finish = ({ job, plan: { windows, truncated, tokens }, tasks, entities, vectors }: Work, batch: number): void => {
  if (vectors.some((vector) => vector.some((value) => !Number.isFinite(value)))) {
    return tell({
      kind: 'refused',
      id: job.id,
      type: 'inference_exception',
      message: 'the model answered with numbers that are not finite',
    });
  }
  tell(
    {
      kind: 'done',
      id: job.id,
      output: {
        entities: tasks.has('ner') ? entities.flat() : undefined,
        vectors: tasks.has('text_embedding') ? vectors : undefined,
        windows: windows.map(({ start, end }) => ({ start, end })),
        truncated,
        tokens,
        batch,
        padding,
      },
    },
    vectors.map((vector) => vector.buffer as ArrayBuffer),
  );
  padding = 0;
};

const main = async (): Promise<void> => {
  const tokenizer = await Tokenizer.ofModel(model.folder);
  const session = await OnnxSession.load(model, tokenizer, threads);
  tell({ kind: 'ready' });
  while (!closing) {
    while (inbox.length > 0) await plan(tokenizer, inbox.shift()!);
    if (pending.length > 0) {
      await run(session);
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
