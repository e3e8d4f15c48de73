import { hash } from 'node:crypto';
import { ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { backoff } from '../../core/backoff.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import { messageOf, ProcessorError, SluiceError } from '../../core/errors.ts';
import { Fifo } from '../../core/fifo.ts';
import type { InferenceConfig, InferenceStep } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { ByteLru, type CacheStats } from '../cache.ts';
import type { ModelLog } from '../load-local.ts';
import type { Engine } from '../model-set.ts';
import type { ElasticsearchModelOptions } from '../options.ts';
import type { TextAnswer } from './api.ts';
import { Lane } from './lane.ts';

interface Waiting {
  readonly text: string;
  readonly config: InferenceConfig | undefined;
  readonly done: (error: Error | undefined, result?: PlainObject) => void;
}

/** A result as JSON, and what it takes in memory. */
interface Kept {
  readonly text: string;
  readonly bytes: number;
}

export interface ElasticsearchEngineParts {
  /** One for a cluster; one for each node where they know nothing of each other. */
  readonly lanes: readonly ElasticsearchModelOptions['elasticsearch'][];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ModelLog;
}

/**
 * A model that runs in Elasticsearch, or on nodes that speak its language, behind the same processor. Many texts a
 * request, as many as the queue there takes; 429s, timeouts and outages are waited for and never a document's failure.
 * Of several nodes the one with the least before a new text gets it, and what one did not answer another is asked.
 */
export class ElasticsearchEngine implements Engine {
  readonly native = false;
  readonly #parts: ElasticsearchEngineParts;
  readonly #lanes: readonly Lane[];
  readonly #queue = new Fifo<Waiting>();
  /** What was sent and not answered; before all others. */
  #returned: Waiting[] = [];
  readonly #closed = new AbortController();
  readonly #kept: ByteLru<Kept>;

  constructor(parts: ElasticsearchEngineParts) {
    this.#parts = parts;
    this.#kept = new ByteLru(parts.lanes[0]!.cache_size, ({ bytes }) => bytes);
    this.#lanes = parts.lanes.map((options) => new Lane(options));
  }

  bind(config: InferenceConfig | undefined): InferenceStep {
    const ask = (text: string, done: Waiting['done']): void => {
      this.#queue.push({ text, config, done });
      this.#feed();
    };
    if (this.#parts.lanes[0]!.cache_size === 0) return { infer: (_document, text, done) => ask(text, done) };
    const about = JSON.stringify(config ?? null);
    return {
      infer: (_document, text, done) => {
        const key = `${about} ${hash('sha256', text, 'base64')}`;
        const known = this.#kept.get(key);
        // A copy for each document, which may go on to change it.
        if (known !== undefined) return done(undefined, JSON.parse(known.text) as PlainObject);
        ask(text, (error, result) => {
          if (result !== undefined) {
            const kept = JSON.stringify(result);
            this.#kept.set(key, { text: kept, bytes: 200 + 2 * kept.length });
          }
          done(error, result);
        });
      },
    };
  }

  get cache(): CacheStats {
    return this.#kept;
  }

  /** @throws SluiceError where no document could ever be inferred: nobody answers, no such model, no right to it */
  async start(): Promise<void> {
    const starts = await Promise.allSettled(this.#lanes.map((lane) => this.#startLane(lane)));
    const faults = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason as unknown] : []));
    if (faults.length === this.#lanes.length) throw faults[0];
    starts.forEach((start, index) => {
      if (start.status === 'fulfilled') return;
      const lane = this.#lanes[index]!;
      lane.failed();
      this.#warn(lane, 'a node cannot infer yet; the others do', start.reason);
      void this.#rest(lane, true);
    });
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the stream is stopping'));
    this.#queue.clear();
    this.#returned = [];
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  /** Texts a request takes at the moment. */
  get batchSize(): number {
    return this.#lanes[0]!.batchSize;
  }

  async #startLane(lane: Lane): Promise<void> {
    await lane.ready(this.#parts.clock);
    try {
      await lane.probe();
    } catch (error) {
      const fatal = startFault(error, lane);
      if (fatal !== undefined) throw fatal;
      this.#warn(lane, 'the cluster did not say whether it has the model; the documents will wait for it', error);
    }
  }

  #feed(): void {
    if (this.#closed.signal.aborted) return;
    while (this.#queue.length + this.#returned.length > 0) {
      let best: Lane | undefined;
      for (const lane of this.#lanes) if (lane.free && (best === undefined || lane.depth < best.depth)) best = lane;
      if (best === undefined) return;
      void this.#send(best, this.#takeBatch(best.batchSize)).then(() => this.#feed());
    }
  }

  /** Texts of one request share its inference_config. */
  #takeBatch(most: number): Waiting[] {
    const batch: Waiting[] = [];
    const from = this.#returned.length > 0 ? this.#returned : undefined;
    const next = () => (from === undefined ? this.#queue.first : from[0]);
    for (let first = next(); first !== undefined && batch.length < most; first = next()) {
      if (batch.length > 0 && first.config !== batch[0]!.config) break;
      batch.push(from === undefined ? this.#queue.take()! : from.shift()!);
    }
    return batch;
  }

  /** False where there was no answer: the texts come again. */
  async #send(lane: Lane, batch: readonly Waiting[]): Promise<boolean> {
    const { signal } = this.#closed;
    try {
      const answers = await lane.infer(
        batch.map(({ text }) => text),
        batch[0]!.config,
        signal,
      );
      batch.forEach((waiting, index) => tell(waiting, answers[index]!));
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (isRefusal(error)) {
        if (batch.length > 1) return this.#oneByOne(lane, batch);
        tell(batch[0]!, { fault: error.message });
        return true;
      }
      lane.failed();
      this.#returned.unshift(...batch);
      this.#warn(lane, 'the cluster did not infer; nothing is lost, the documents wait for it', error);
      const busy = error instanceof ElasticsearchError && error.status === 429;
      void this.#rest(lane, !busy && this.#lanes.length > 1);
      return false;
    }
  }

  /** A request that was refused as a whole: one text is at fault, or the model takes one text a request. */
  async #oneByOne(lane: Lane, batch: readonly Waiting[]): Promise<boolean> {
    let refused = 0;
    for (const [index, waiting] of batch.entries()) {
      const done: Waiting['done'] = (error, result) => {
        if (error !== undefined) refused += 1;
        waiting.done(error, result);
      };
      if (await this.#send(lane, [{ ...waiting, done }])) continue;
      this.#returned.push(...batch.slice(index + 1));
      return false;
    }
    if (refused === 0) lane.oneByOne();
    return true;
  }

  /**
   * Leaves a lane alone for a while.
   * @param ask whether to send documents there again only once it says that it has the model
   */
  async #rest(lane: Lane, ask: boolean): Promise<void> {
    if (lane.resting) return;
    lane.resting = true;
    const { clock, random } = this.#parts;
    const { signal } = this.#closed;
    for (;;) {
      await sleep(clock, backoff(lane.failures, random), signal).catch(() => {});
      if (signal.aborted) return;
      try {
        if (ask) await lane.probe();
        break;
      } catch {
        lane.failed();
      }
    }
    lane.resting = false;
    this.#feed();
  }

  #warn(lane: Lane, message: string, error: unknown): void {
    this.#parts.log.warn(message, { model: lane.model, place: lane.place, error: messageOf(error) });
  }
}

/** What the text or the options caused: the cluster understood and said no. */
const isRefusal = (error: unknown): error is ElasticsearchError =>
  error instanceof ElasticsearchError && error.status === 400;

/** An overloaded cluster may answer later; what it does not have or does not allow stays so. */
const startFault = (error: unknown, { model, place }: Lane): SluiceError | undefined => {
  if (!(error instanceof ElasticsearchError)) return undefined;
  const { status, message: reason } = error;
  if (status === 401 || status === 403)
    return new SluiceError('SLUICE_SINK_AUTH', `Elasticsearch refused access to the model [${model}]: ${reason}`, {
      place,
      hint: 'Check auth; the user needs the cluster privilege monitor_ml for model_id, monitor_inference for inference_id.',
      cause: error,
    });
  if (status === 404)
    return new SluiceError('SLUICE_MODEL_MISSING', `the cluster has no model [${model}]: ${reason}`, {
      place,
      hint: 'Check model_id or inference_id and its task_type; GET _ml/trained_models and GET _inference/_all list what is there.',
      cause: error,
    });
  return undefined;
};

const tell = ({ done }: Waiting, answer: TextAnswer): void => {
  if ('fault' in answer) done(new ProcessorError('inference_exception', answer.fault));
  else done(undefined, answer.fields);
};
