import { systemClock } from '../core/clock.ts';
import { SluiceError } from '../core/errors.ts';
import { Fifo } from '../core/fifo.ts';
import { ByteLru } from './cache.ts';
import type { Deployment } from './deployment.ts';
import type { DiskResults } from './disk/results.ts';
import { Minutes } from './minute.ts';
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

/** Takes a request back: its caller hears nothing more. */
export type Cancel = () => void;

/** A text that is asked for, by however many callers: it is inferred once. */
interface Asked<Request, Output> {
  readonly key: string;
  readonly request: Request;
  readonly callers: Set<DoneWith<Output>>;
  /** Once it is in the deployment. */
  withdraw: Cancel | undefined;
}

const NOTHING: Cancel = () => {};

/** A local deployment as its users see it: cached, and each text in flight once. */
export class LocalModel<Request extends TextRequest, Output extends CountedOutput> {
  readonly deployment: Deployment<Request, Output>;
  readonly cache: ByteLru<Output>;
  readonly disk: DiskResults<Output> | undefined;
  /** Hits of the cache, by the minute. */
  readonly hits = new Minutes(systemClock);
  readonly #keyOf: (request: Request) => string;
  readonly #inFlight = new Map<string, Asked<Request, Output>>();
  readonly #waiting = new Fifo<Asked<Request, Output>>();
  #feeding = false;

  constructor({ deployment, cache_size, disk, keyOf, sizeOf }: LocalModelOptions<Request, Output>) {
    this.deployment = deployment;
    this.cache = new ByteLru(cache_size, sizeOf);
    this.disk = disk;
    this.#keyOf = keyOf;
  }

  /**
   * Waits for room where the deployment's queue is full. `done` is called once; never where the deployment stops, which
   * is not the text's fault: the document is not settled then, and comes again.
   */
  infer(request: Request, done: DoneWith<Output>): Cancel {
    const caller: DoneWith<Output> = (error, output) => {
      if (!isClosed(error)) done(error, output);
    };
    return this.#ask(request, caller, (asked) => {
      this.#waiting.push(asked);
      this.#feed();
    });
  }

  /**
   * The same for callers that rather hear of a full queue than wait.
   * @throws SluiceError SLUICE_INFERENCE_QUEUE_FULL, SLUICE_INFERENCE_CLOSED
   */
  offer(request: Request, done: DoneWith<Output>): Cancel {
    return this.#ask(request, done, (asked) => this.#start(asked));
  }

  /** Texts that wait for room in the deployment's queue. */
  get waiting(): number {
    return this.#waiting.length;
  }

  #ask(request: Request, done: DoneWith<Output>, start: (asked: Asked<Request, Output>) => void): Cancel {
    const key = this.#keyOf(request);
    const known = this.cache.get(key);
    if (known !== undefined) {
      this.hits.add();
      done(undefined, known);
      return NOTHING;
    }
    // Two callers may bring one function: each is heard.
    const caller: DoneWith<Output> = (error, output) => done(error, output);
    const same = this.#inFlight.get(key);
    if (same !== undefined) {
      same.callers.add(caller);
      return () => this.#leave(same, caller);
    }
    const asked: Asked<Request, Output> = { key, request, callers: new Set([caller]), withdraw: undefined };
    this.#inFlight.set(key, asked);
    const kept = this.disk?.get(key);
    if (kept === undefined) start(asked);
    else
      kept.then((output) => {
        if (asked.callers.size === 0) return;
        if (output !== undefined) {
          this.cache.set(key, output);
          return this.#tell(asked, undefined, output);
        }
        try {
          start(asked);
        } catch (error) {
          this.#tell(asked, error as Error);
        }
      });
    return () => this.#leave(asked, caller);
  }

  /** The last one to leave takes the text out of the deployment. */
  #leave(asked: Asked<Request, Output>, caller: DoneWith<Output>): void {
    if (!asked.callers.delete(caller) || asked.callers.size > 0) return;
    this.#forget(asked);
    asked.withdraw?.();
    this.#feed();
  }

  /** The same text may have been asked for anew in the meantime. */
  #forget(asked: Asked<Request, Output>): void {
    if (this.#inFlight.get(asked.key) === asked) this.#inFlight.delete(asked.key);
  }

  #tell(asked: Asked<Request, Output>, error: Error | undefined, output?: Output): void {
    this.#forget(asked);
    const callers = [...asked.callers];
    asked.callers.clear();
    for (const done of callers) done(error, output);
  }

  #feed(): void {
    // An answer that comes at once, e.g. of a deployment that is closed, must not go one call deeper for every text.
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      while (this.#waiting.length > 0 && !this.deployment.full) {
        const asked = this.#waiting.take()!;
        if (asked.callers.size === 0) continue;
        try {
          this.#start(asked);
        } catch (error) {
          this.#answered(asked, error as Error);
        }
      }
    } finally {
      this.#feeding = false;
    }
  }

  #start(asked: Asked<Request, Output>): void {
    try {
      asked.withdraw = this.deployment.infer(asked.request, (error, output) => this.#answered(asked, error, output));
    } catch (error) {
      this.#forget(asked);
      throw error;
    }
  }

  #answered(asked: Asked<Request, Output>, error: Error | undefined, output?: Output): void {
    if (output !== undefined) {
      this.cache.set(asked.key, output);
      this.disk?.set(asked.key, output);
    }
    this.#forget(asked);
    this.#feed();
    this.#tell(asked, error, output);
  }
}

const isClosed = (error: Error | undefined): boolean =>
  error instanceof SluiceError && error.code === 'SLUICE_INFERENCE_CLOSED';
