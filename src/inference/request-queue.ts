import { ProcessorError } from '../core/errors.ts';
import { type CrashJournal, DEATHS_TO_REFUSE, DEATHS_TO_RUN_ALONE, journalKey } from './crash-journal.ts';
import type { Queued, TextRequest } from './text-request.ts';

/** Knows which texts were in flight when earlier processes died; `identity` tells this graph from others. */
export interface Crashes {
  readonly journal: CrashJournal;
  readonly identity: string;
}

/** Requests that wait for a thread, in their order, and what the crash journal has to say about them. */
export class RequestQueue<Request extends TextRequest, Output> {
  readonly #crashes: Crashes | undefined;
  readonly #waiting: Queued<Request, Output>[] = [];

  constructor(crashes: Crashes | undefined) {
    this.#crashes = crashes;
  }

  get length(): number {
    return this.#waiting.length;
  }

  keyOf({ text }: Request): string | undefined {
    return this.#crashes && journalKey(this.#crashes.identity, text);
  }

  /** Why a text is not run at all. */
  refusal(key: string | undefined): ProcessorError | undefined {
    if (this.#deaths(key) < DEATHS_TO_REFUSE) return undefined;
    return new ProcessorError(
      'crash_suspect',
      `the process died ${DEATHS_TO_REFUSE} times while it ran this text, the last time with nothing beside it`,
    );
  }

  runsAlone(key: string | undefined): boolean {
    return this.#deaths(key) >= DEATHS_TO_RUN_ALONE;
  }

  push(queued: Queued<Request, Output>): void {
    this.#waiting.push(queued);
  }

  /** A thread ended while it ran: it is the next one. */
  giveBack(queued: Queued<Request, Output>): void {
    this.#waiting.unshift(queued);
  }

  /**
   * The next one, for a thread to run. Undefined where there is none, or it has to wait.
   * @param running how many the thread holds already
   */
  take(running: number): Queued<Request, Output> | undefined {
    const next = this.#waiting[0];
    // A text that ended a thread before runs alone: then it is known whose fault it was.
    if (next === undefined || (next.attempts > 0 && running > 0) || !this.#entered(next)) return undefined;
    return this.#waiting.shift();
  }

  /** It came out of a thread again, or the thread ended. */
  left(queued: Queued<Request, Output>, survived: boolean): void {
    const { key, place } = queued;
    if (key === undefined || place === undefined) return;
    queued.place = undefined;
    this.#crashes!.journal.leave(key, place, survived);
  }

  withdraw(queued: Queued<Request, Output>): void {
    const at = this.#waiting.indexOf(queued);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    if (queued.key !== undefined) this.#crashes!.journal.withdraw(queued.key);
  }

  withdrawAll(): Queued<Request, Output>[] {
    const all = this.#waiting.splice(0);
    for (const { key } of all) if (key !== undefined) this.#crashes!.journal.withdraw(key);
    return all;
  }

  /** False while the journal wants it, or another text, to run alone. */
  #entered(queued: Queued<Request, Output>): boolean {
    if (queued.key === undefined) return true;
    queued.place = this.#crashes!.journal.enter(queued.key);
    return queued.place !== undefined;
  }

  #deaths(key: string | undefined): number {
    return key === undefined ? 0 : this.#crashes!.journal.deaths(key);
  }
}
