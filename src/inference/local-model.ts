import { hash } from 'node:crypto';
import { SluiceError } from '../core/errors.ts';
import { ByteLru } from './cache.ts';
import { Deployment, type DeploymentOptions, type InferenceDone, type InferenceRequest } from './deployment.ts';
import type { InferenceOutput } from './onnx/protocol.ts';

export interface LocalModelOptions extends DeploymentOptions {
  /** Checksum of the graph: results of another model never come from the cache. */
  readonly sha256: string;
  /** Bytes of results kept in memory. */
  readonly cache_size: number;
}

/** A local deployment as pipelines use it: cached, each text in flight once, and a full queue is waited for. */
export class LocalModel {
  readonly options: LocalModelOptions;
  readonly deployment: Deployment;
  readonly cache: ByteLru<InferenceOutput>;
  readonly #inFlight = new Map<string, InferenceDone[]>();
  readonly #waiting: { readonly key: string; readonly request: InferenceRequest }[] = [];

  constructor(options: LocalModelOptions) {
    this.options = options;
    this.deployment = new Deployment(options);
    this.cache = new ByteLru(options.cache_size, sizeOfOutput);
  }

  infer(request: InferenceRequest, done: InferenceDone): void {
    const key = keyOf(this.options.sha256, request);
    const known = this.cache.get(key);
    if (known !== undefined) return done(undefined, known);
    const waiting = this.#inFlight.get(key);
    if (waiting !== undefined) return void waiting.push(done);
    this.#inFlight.set(key, [done]);
    this.#waiting.push({ key, request });
    this.#feed();
  }

  #feed(): void {
    while (this.#waiting.length > 0 && !this.deployment.full) {
      const { key, request } = this.#waiting.shift()!;
      this.#start(key, request);
    }
  }

  #start(key: string, request: InferenceRequest): void {
    const answer: InferenceDone = (error, output) => {
      const dones = this.#inFlight.get(key) ?? [];
      this.#inFlight.delete(key);
      if (output !== undefined) this.cache.set(key, output);
      this.#feed();
      // A deployment that stops is not the text's fault: nobody hears of it, and the documents are never settled.
      if (error instanceof SluiceError && error.code === 'SLUICE_INFERENCE_CLOSED') return;
      for (const done of dones) done(error, output);
    };
    try {
      this.deployment.infer(request, answer);
    } catch (error) {
      answer(error as Error);
    }
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}

const keyOf = (sha256: string, { text, tasks, truncate, longText }: InferenceRequest): string =>
  `${sha256.slice(0, 16)} ${[...tasks].sort().join('+')} ${truncate} ${longText} ${hash('sha256', text, 'base64')}`;

const sizeOfOutput = ({ entities, vectors }: InferenceOutput): number =>
  200 + (entities?.length ?? 0) * 200 + (vectors?.reduce((sum, vector) => sum + vector.byteLength + 100, 0) ?? 0);
