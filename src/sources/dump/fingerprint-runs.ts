import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';

/** Where the words of a fingerprint stand, so that a pair of them reads as one 64-bit number. */
export const HIGH = endianness() === 'LE' ? 1 : 0;
export const LOW = 1 - HIGH;

/** So many runs of one length become one of the next, up to the last: a step stays short, and runs stay few. */
const FAN = 4;
const LAST_LEVEL = 2;

interface Run {
  readonly at: number;
  readonly count: number;
}

/**
 * Fingerprints on the disk: for each segment sorted runs of a few lengths, in one file without a name, which is gone with
 * the process however that ends.
 */
export class FingerprintRuns {
  readonly #bits: number;
  readonly #file: number;
  #end = 0;
  /** Where runs stood that are part of longer ones now, by length. */
  readonly #free = new Map<number, number[]>();
  readonly #segments = new Map<number, Run[][]>();

  /** @throws SluiceError SLUICE_SOURCE_FAILED */
  constructor(folder: string, bits: number) {
    this.#bits = bits;
    this.#file = guarded(() => {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, `.sluice-ids-${randomUUID()}`);
      const file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return file;
    });
  }

  /** Takes fingerprints that the segment does not have yet; sorts them in their place. */
  add(segment: number, fingerprints: BigUint64Array): void {
    const levels = this.#segments.get(segment) ?? Array.from({ length: LAST_LEVEL + 1 }, (): Run[] => []);
    this.#segments.set(segment, levels);
    let merged = fingerprints;
    for (let level = 0; ; level += 1) {
      const runs = levels[level]!;
      if (level === LAST_LEVEL || runs.length < FAN - 1) {
        runs.push(this.#write(merged.sort()));
        return;
      }
      const all = new BigUint64Array(runs.reduce((sum, { count }) => sum + count, merged.length));
      all.set(merged);
      let at = merged.length;
      for (const { at: from, count } of runs.splice(0)) {
        this.#read(new Uint8Array(all.buffer, at * 8, count * 8), from);
        const free = this.#free.get(count);
        if (free === undefined) this.#free.set(count, [from]);
        else free.push(from);
        at += count;
      }
      merged = all;
    }
  }

  has(segment: number, high: number, low: number): boolean {
    for (const runs of this.#segments.get(segment) ?? [])
      for (const run of runs) if (this.#isIn(run, high, low)) return true;
    return false;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Fingerprints are spread evenly, so where one stands is known to within a few times the root of the run's length. */
  #isIn({ at, count }: Run, high: number, low: number): boolean {
    const guess = Math.floor((((high << this.#bits) >>> 0) / 2 ** 32) * count);
    for (let reach = Math.ceil(4 * Math.sqrt(count)); ; reach *= 4) {
      const from = Math.max(0, guess - reach);
      const to = Math.min(count, guess + reach);
      const words = new Uint32Array(2 * (to - from));
      this.#read(new Uint8Array(words.buffer), at + from * 8);
      const place = firstNotBelow(words, high, low);
      if (words[2 * place + HIGH] === high && words[2 * place + LOW] === low) return true;
      if ((place > 0 || from === 0) && (place < to - from || to === count)) return false;
    }
  }

  #write(sorted: BigUint64Array): Run {
    const at = this.#free.get(sorted.length)?.pop() ?? this.#end;
    const bytes = new Uint8Array(sorted.buffer);
    guarded(() => {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#file, bytes, done, bytes.length - done, at + done);
    });
    if (at === this.#end) this.#end += bytes.length;
    return { at, count: sorted.length };
  }

  #read(bytes: Uint8Array, at: number): void {
    guarded(() => {
      for (let done = 0; done < bytes.length; ) {
        const some = readSync(this.#file, bytes, done, bytes.length - done, at + done);
        if (some === 0) throw new Error('the file ends too early');
        done += some;
      }
    });
  }
}

const firstNotBelow = (words: Uint32Array, high: number, low: number): number => {
  let from = 0;
  let to = words.length / 2;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const found = words[2 * middle + HIGH]!;
    if (found < high || (found === high && words[2 * middle + LOW]! < low)) from = middle + 1;
    else to = middle;
  }
  return from;
};

const guarded = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw new SluiceError('SLUICE_SOURCE_FAILED', `the ids of the dump's records cannot be kept: ${messageOf(error)}`, {
      hint: 'They need about 8 bytes a record on the disk, beside the checkpoint; or name an id in the sink.',
      cause: error,
    });
  }
};
