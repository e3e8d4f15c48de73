/**
 * At most one write in flight per key. Later ones wait in their lane, in order: a retry of an older version can then
 * never overwrite a newer one.
 */
export class Lanes<T> {
  readonly #busy = new Map<string, T[]>();

  /** True when the write may go now; false when it waits for the one before it. */
  enter(key: string, write: T): boolean {
    const waiting = this.#busy.get(key);
    if (waiting === undefined) {
      this.#busy.set(key, NOBODY as T[]);
      return true;
    }
    if (waiting === NOBODY) this.#busy.set(key, [write]);
    else waiting.push(write);
    return false;
  }

  /** The write of this key has ended; answers with the next one, which may go now. */
  leave(key: string): T | undefined {
    const waiting = this.#busy.get(key);
    if (waiting === undefined || waiting.length === 0) {
      this.#busy.delete(key);
      return undefined;
    }
    return waiting.shift();
  }
}

/** Shared by all lanes where nobody waits, which is nearly all of them: no array for each document. */
const NOBODY: never[] = [];
