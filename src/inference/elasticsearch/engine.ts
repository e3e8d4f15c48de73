import { ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { backoff } from '../../core/backoff.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import { messageOf, ProcessorError, SluiceError } from '../../core/errors.ts';
import type { InferenceConfig, InferenceStep } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import type { Engine, ModelSetLog } from '../model-set.ts';
import type { ElasticsearchModelOptions } from '../options.ts';
import { type InferenceApi, inferenceApi, type TextAnswer } from './api.ts';

interface Waiting {
  readonly text: string;
  readonly config: InferenceConfig | undefined;
  readonly done: (error: Error | undefined, result?: PlainObject) => void;
}

/** Texts a request begins with; it grows by one with each success and halves with each refusal. */
const FIRST_BATCH = 8;

export interface ElasticsearchEngineParts {
  readonly options: ElasticsearchModelOptions['elasticsearch'];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ModelSetLog;
}

/**
 * A model that runs in Elasticsearch, behind the same processor. Many texts a request, as many as the cluster's queue
 * takes; its 429s, timeouts and outages are waited for and never a document's failure.
 */
export class ElasticsearchEngine implements Engine {
  readonly native = false;
  readonly #parts: ElasticsearchEngineParts;
  readonly #connection: ElasticsearchConnection;
  readonly #api: InferenceApi;
  readonly #queue: Waiting[] = [];
  readonly #closed = new AbortController();
  #inFlight = 0;
  #batch: number;
  #most: number;
  #failures = 0;

  constructor(parts: ElasticsearchEngineParts) {
    this.#parts = parts;
    this.#connection = new ElasticsearchConnection(parts.options);
    this.#api = inferenceApi(this.#connection, parts.options);
    this.#most = parts.options.max_batch;
    this.#batch = Math.min(FIRST_BATCH, this.#most);
  }

  bind(config: InferenceConfig | undefined): InferenceStep {
    return {
      infer: (_document, text, done) => {
        this.#queue.push({ text, config, done });
        this.#feed();
      },
    };
  }

  /** @throws SluiceError where no document could ever be inferred: no cluster, no such model, no right to it */
  async start(): Promise<void> {
    await this.#connection.ready(this.#parts.clock);
    try {
      const capacity = await this.#api.probe();
      // What is in flight at once must find room in the cluster's queue, or it is refused there.
      if (capacity !== undefined)
        this.#most = Math.max(1, Math.min(this.#most, Math.floor(capacity / this.#parts.options.max_in_flight)));
      this.#batch = Math.min(this.#batch, this.#most);
    } catch (error) {
      const fatal = startFault(error, this.#api.name, this.#connection.place);
      if (fatal !== undefined) throw fatal;
      this.#parts.log.warn('the cluster did not say whether it has the model; the documents will wait for it', {
        model: this.#api.name,
        error: messageOf(error),
      });
    }
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the stream is stopping'));
    this.#queue.length = 0;
    await this.#connection.close();
  }

  /** Texts a request takes at the moment. */
  get batchSize(): number {
    return this.#batch;
  }

  #feed(): void {
    while (this.#inFlight < this.#parts.options.max_in_flight && this.#queue.length > 0) {
      this.#inFlight += 1;
      void this.#send(this.#takeBatch()).finally(() => {
        this.#inFlight -= 1;
        this.#feed();
      });
    }
  }

  /** Texts of one request share its inference_config. */
  #takeBatch(): Waiting[] {
    const first = this.#queue.shift()!;
    const batch = [first];
    while (batch.length < this.#batch && this.#queue[0]?.config === first.config && this.#queue.length > 0)
      batch.push(this.#queue.shift()!);
    return batch;
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const { clock, random, log } = this.#parts;
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const answers = await this.#api.infer(
          batch.map(({ text }) => text),
          batch[0]!.config,
          signal,
        );
        this.#failures = 0;
        this.#batch = Math.min(this.#most, this.#batch + 1);
        batch.forEach((waiting, index) => tell(waiting, answers[index]!));
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (isRefusal(error)) {
          if (batch.length > 1) return this.#oneByOne(batch);
          tell(batch[0]!, { fault: error.message });
          return;
        }
        this.#failures += 1;
        this.#batch = Math.max(1, this.#batch >> 1);
        log.warn('the cluster did not infer; nothing is lost, the documents wait for it', {
          model: this.#api.name,
          error: messageOf(error),
        });
        await sleep(clock, backoff(this.#failures, random), signal).catch(() => {});
      }
    }
  }

  /** A request that was refused as a whole: one text is at fault, or the model takes one text a request. */
  async #oneByOne(batch: readonly Waiting[]): Promise<void> {
    let refused = 0;
    for (const waiting of batch) {
      await this.#send([
        {
          ...waiting,
          done: (error, result) => {
            if (error !== undefined) refused += 1;
            waiting.done(error, result);
          },
        },
      ]);
    }
    if (refused > 0) return;
    this.#most = 1;
    this.#batch = 1;
  }
}

/** What the text or the options caused: the cluster understood and said no. */
const isRefusal = (error: unknown): error is ElasticsearchError =>
  error instanceof ElasticsearchError && error.status === 400;

/** An overloaded cluster may answer later; what it does not have or does not allow stays so. */
const startFault = (error: unknown, model: string, place: string): SluiceError | undefined => {
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
