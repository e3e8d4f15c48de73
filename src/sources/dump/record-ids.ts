import { hash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { FINGERPRINT_BOUNDS, Fingerprints } from './fingerprints.ts';

/** Records whose count is known without a look; what is forgotten is found out again. */
const RECENT = 64 * 1024;

/**
 * Ids of records that name none: 128 bits of SHA-256 over the record's bytes, and its ordinal among equal records.
 * The same dump gives the same ids whatever its files are called, however it is split, wherever reading resumes.
 *
 * Remembers 64 bits a record, of each repetition too, to know which are equal: 192 MiB of memory at most, the rest on disk.
 */
export class RecordIds {
  readonly #seen: Fingerprints;
  readonly #recentLimit: number;
  readonly #recent = new Map<string, number>();

  /** @param folder for what does not fit into memory */
  constructor(folder = tmpdir(), bounds = FINGERPRINT_BOUNDS, recent = RECENT) {
    this.#seen = new Fingerprints(folder, bounds);
    this.#recentLimit = recent;
  }

  next(bytes: Uint8Array): string {
    const digest = hash('sha256', bytes, 'buffer');
    const id = idOf(digest);
    const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    if (this.#add(high, low, 0)) return id;
    const ordinal = (this.#recent.get(id) ?? this.#last(high, low)) + 1;
    this.#add(high, low, ordinal);
    if (this.#recent.size >= this.#recentLimit) this.#recent.clear();
    this.#recent.set(id, ordinal);
    return `${id}-${ordinal}`;
  }

  close(): void {
    this.#seen.close();
  }

  /** The highest ordinal given so far: all below it were given too, so it is found in as many looks as it has digits. */
  #last(high: number, low: number): number {
    let known = 0;
    let step = 1;
    while (this.#has(high, low, known + step)) {
      known += step;
      step *= 2;
    }
    for (step /= 2; step >= 1; step /= 2) if (this.#has(high, low, known + step)) known += step;
    return known;
  }

  #add(high: number, low: number, ordinal: number): boolean {
    return this.#seen.add(nth(high, ordinal), nth(low, ordinal) || 1);
  }

  #has(high: number, low: number, ordinal: number): boolean {
    return this.#seen.has(nth(high, ordinal), nth(low, ordinal) || 1);
  }
}

/** The id of a record that nobody counts. */
export const firstId = (bytes: Uint8Array): string => idOf(hash('sha256', bytes, 'buffer'));

const idOf = (digest: Buffer): string => digest.toString('base64url', 0, 16);

/** A record and each of its repetitions have fingerprints that are spread evenly: the last steps of MurmurHash3. */
const nth = (word: number, ordinal: number): number => {
  let mixed = (word + Math.imul(ordinal, 0x9e3779b1)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};
