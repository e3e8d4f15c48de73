import { SluiceError } from '../core/errors.ts';
import { ByteLru } from './cache.ts';
import type { Deployment } from './deployment.ts';
import type { DiskResults } from './disk/results.ts';
import type { CountedOutput, DoneWith, TextRequest } from './text-request.ts';

export interface LocalModelOptions<Request extends TextRequest, Output extends CountedOutput> {
  readonly deployment: Deployment<Request, Output>;
  /** Bytes of results kept in memory. */
  readonly cache_size: number;
  /** Results kept on disk as well. */
  readonly disk?: DiskResults<Output> | undefined;
  /** Names a request's result: model, options and text. Results of another model must never come from the cache. */
  readonly keyOf: (request: Request) => string;
  /** Bytes that a result takes in memory. */
  readonly sizeOf: (output: Output) => number;
}

/** A local deployment as pipelines use it: cached, each text in flight once, and a full queue is waited for. */
export class LocalModel<Request extends TextRequest, Output extends CountedOutput> {
  readonly deployment: Deployment<Request, Output>;
  readonly cache: ByteLru<Output>;
  readonly disk: DiskResults<Output> | undefined;
  readonly #keyOf: (request: Request) => string;
  readonly #inFlight = new Map<string, DoneWith<Output>[]>();
  readonly #waiting: { readonly key: string; readonly request: Request }[] = [];
  #feeding = false;

  constructor({ deployment, cache_size, disk, keyOf, sizeOf }: LocalModelOptions<Request, Output>) {
    this.deployment = deployment;
    this.cache = new ByteLru(cache_size, sizeOf);
    this.disk = disk;
    this.#keyOf = keyOf;
  }

  infer(request: Request, done: DoneWith<Output>): void {
    const key = this.#keyOf(request);
    const known = this.cache.get(key);
    if (known !== undefined) return done(undefined, known);
    const waiting = this.#inFlight.get(key);
    if (waiting !== undefined) return void waiting.push(done);
    this.#inFlight.set(key, [done]);
    const kept = this.disk?.get(key);
    if (kept === undefined) return this.#ask(key, request);
    kept.then((output) => {
      if (output === undefined) return this.#ask(key, request);
      this.cache.set(key, output);
      for (const done of this.#takeWaiting(key)) done(undefined, output);
    });
  }

  #ask(key: string, request: Request): void {
    this.#waiting.push({ key, request });
    this.#feed();
  }

  #takeWaiting(key: string): readonly DoneWith<Output>[] {
    const dones = this.#inFlight.get(key) ?? [];
    this.#inFlight.delete(key);
    return dones;
  }

  #feed(): void {
    // An answer that comes at once, e.g. of a deployment that is closed, must not go one call deeper for every text.
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      while (this.#waiting.length > 0 && !this.deployment.full) {
        const { key, request } = this.#waiting.shift()!;
        this.#start(key, request);
      }
    } finally {
      this.#feeding = false;
    }
  }

  #start(key: string, request: Request): void {
    const answer: DoneWith<Output> = (error, output) => {
      if (output !== undefined) {
        this.cache.set(key, output);
        this.disk?.set(key, output);
      }
      const dones = this.#takeWaiting(key);
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
