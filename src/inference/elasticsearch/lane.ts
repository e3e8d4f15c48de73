import { ElasticsearchConnection } from '../../connections/elasticsearch/client.ts';
import type { Clock } from '../../core/clock.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { ElasticsearchModelOptions } from '../options.ts';
import { type InferenceApi, inferenceApi, type NodeLoad, type TextAnswer } from './api.ts';

/** Texts a request begins with; it grows by one with each success and halves with each refusal. */
const FIRST_BATCH = 8;

/** One way to a model: a cluster, or one of several nodes. How much it is sent follows from its answers. */
export class Lane {
  readonly #options: ElasticsearchModelOptions['elasticsearch'];
  readonly #connection: ElasticsearchConnection;
  readonly #api: InferenceApi;
  #requests = 0;
  #texts = 0;
  #batch: number;
  #most: number;
  #load: NodeLoad = { pending: 0, allocations: 1 };
  failures = 0;
  /** It failed, and is left alone for a while. */
  resting = false;

  constructor(options: ElasticsearchModelOptions['elasticsearch']) {
    this.#options = options;
    this.#connection = new ElasticsearchConnection(options);
    this.#api = inferenceApi(this.#connection, options);
    this.#most = options.max_batch;
    this.#batch = Math.min(FIRST_BATCH, this.#most);
  }

  /** The model's name there. */
  get model(): string {
    return this.#api.name;
  }

  get place(): string {
    return this.#connection.place;
  }

  /** Texts a request takes at the moment. */
  get batchSize(): number {
    return this.#batch;
  }

  /** True where it may be sent another request. After a failure one at a time asks whether it is over. */
  get free(): boolean {
    const most = this.failures > 0 ? 1 : this.#options.max_in_flight;
    return !this.resting && this.#requests < most;
  }

  /** Texts before a new one, for each that runs there at a time. */
  get depth(): number {
    return (this.#load.pending + this.#texts) / Math.max(1, this.#load.allocations);
  }

  /** @throws SluiceError SLUICE_SINK_UNREACHABLE, SLUICE_SINK_AUTH */
  ready(clock: Clock): Promise<void> {
    return this.#connection.ready(clock);
  }

  /** Asks for the model, and how much its queue takes. @throws ElasticsearchError, or the transport's errors */
  async probe(): Promise<void> {
    const capacity = await this.#api.probe();
    if (capacity === undefined) return;
    // What is in flight at once must find room in the queue there, or it is refused.
    this.#most = Math.max(1, Math.min(this.#most, Math.floor(capacity / this.#options.max_in_flight)));
    this.#batch = Math.min(this.#batch, this.#most);
  }

  /** @throws ElasticsearchError, or the transport's errors */
  async infer(
    texts: readonly string[],
    config: InferenceConfig | undefined,
    signal: AbortSignal,
  ): Promise<readonly TextAnswer[]> {
    this.#requests += 1;
    this.#texts += texts.length;
    try {
      const { answers, load } = await this.#api.infer(texts, config, signal);
      if (load !== undefined) this.#load = load;
      this.failures = 0;
      this.#batch = Math.min(this.#most, this.#batch + 1);
      return answers;
    } finally {
      this.#requests -= 1;
      this.#texts -= texts.length;
    }
  }

  failed(): void {
    this.failures += 1;
    this.#batch = Math.max(1, this.#batch >> 1);
  }

  /** The model takes one text a request. */
  oneByOne(): void {
    this.#most = 1;
    this.#batch = 1;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
