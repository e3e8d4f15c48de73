import { hash } from 'node:crypto';

/**
 * Ids of records that name none: 128 bits of SHA-256 over the record's bytes, and its ordinal among equal records.
 * The same dump gives the same ids whatever its files are called, however it is split, wherever reading resumes.
 *
 * Remembers 64 bits a record to know which are equal: 12 to 23 bytes for each of the dump's records.
 */
export class RecordIds {
  #table = new Uint32Array(2 * 1024);
  #used = 0;
  readonly #repeated = new Map<string, number>();

  next(bytes: Uint8Array): string {
    const digest = hash('sha256', bytes, 'buffer');
    const id = digest.toString('base64url', 0, 16);
    // Zero marks an empty slot.
    if (this.#insert(digest.readUInt32LE(0) || 1, digest.readUInt32LE(4))) return id;
    const ordinal = (this.#repeated.get(id) ?? 0) + 1;
    this.#repeated.set(id, ordinal);
    return `${id}-${ordinal}`;
  }

  /** False when the pair was there already. */
  #insert(high: number, low: number): boolean {
    if (this.#used * 3 > this.#table.length) this.#grow();
    const slots = this.#table.length / 2;
    for (let slot = low & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const found = this.#table[2 * slot];
      if (found === 0) {
        this.#table[2 * slot] = high;
        this.#table[2 * slot + 1] = low;
        this.#used += 1;
        return true;
      }
      if (found === high && this.#table[2 * slot + 1] === low) return false;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    this.#used = 0;
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.#insert(old[at]!, old[at + 1]!);
  }
}
