import { FingerprintRuns, HIGH, LOW } from './fingerprint-runs.ts';

export interface FingerprintBounds {
  /** 2^bits segments, chosen by the first bits of a fingerprint. */
  readonly bits: number;
  /** Slots of a full segment. */
  readonly slots: number;
  /** 2^filterBits bits for each segment tell most fingerprints that never came from those on the disk. */
  readonly filterBits: number;
}

/** 128 MiB of segments, for 13 million fingerprints, and 64 MiB of filter once they do not suffice. */
export const FINGERPRINT_BOUNDS: FingerprintBounds = { bits: 12, slots: 4096, filterBits: 17 };

const FIRST_SLOTS = 16;
const LOAD = 0.8;
const PROBES = 3;

/**
 * A set of 64-bit fingerprints that are spread evenly, in bounded memory: 10 to 15 bytes each, up to the bounds; what is
 * more lies on the disk. It grows in many small segments, so that no step takes long.
 */
export class Fingerprints {
  readonly #bounds: FingerprintBounds;
  readonly #folder: string;
  readonly #tables: (Uint32Array | undefined)[];
  readonly #used: Uint16Array;
  readonly #filters: (Uint32Array | undefined)[];
  #runs: FingerprintRuns | undefined;

  /** @param folder where the file is made that holds what the bounds do not */
  constructor(folder: string, bounds = FINGERPRINT_BOUNDS) {
    this.#folder = folder;
    this.#bounds = bounds;
    this.#tables = new Array<undefined>(2 ** bounds.bits).fill(undefined);
    this.#filters = [...this.#tables] as undefined[];
    this.#used = new Uint16Array(2 ** bounds.bits);
  }

  /** False when it was there already. Zero for both words is none. */
  add(high: number, low: number): boolean {
    const segment = high >>> (32 - this.#bounds.bits);
    const table = this.#tables[segment] ?? this.#resize(segment, Math.min(FIRST_SLOTS, this.#bounds.slots));
    const slot = find(table, high, low);
    if (isTaken(table, slot) || this.#isOnDisk(segment, high, low)) return false;
    table[slot + HIGH] = high;
    table[slot + LOW] = low;
    const used = ++this.#used[segment]!;
    const slots = table.length / 2;
    if (used < Math.floor(slots * LOAD)) return true;
    if (slots < this.#bounds.slots) this.#resize(segment, Math.min(Math.floor(slots * 1.5), this.#bounds.slots));
    else this.#spill(segment, table, used);
    return true;
  }

  has(high: number, low: number): boolean {
    const segment = high >>> (32 - this.#bounds.bits);
    const table = this.#tables[segment];
    if (table === undefined) return false;
    return isTaken(table, find(table, high, low)) || this.#isOnDisk(segment, high, low);
  }

  close(): void {
    this.#runs?.close();
    this.#runs = undefined;
  }

  #resize(segment: number, slots: number): Uint32Array {
    const old = this.#tables[segment];
    const table = new Uint32Array(2 * slots);
    this.#tables[segment] = table;
    for (let at = 0; old !== undefined && at < old.length; at += 2) {
      if (!isTaken(old, at)) continue;
      const slot = find(table, old[at + HIGH]!, old[at + LOW]!);
      table[slot] = old[at]!;
      table[slot + 1] = old[at + 1]!;
    }
    return table;
  }

  #spill(segment: number, table: Uint32Array, used: number): void {
    this.#runs ??= new FingerprintRuns(this.#folder, this.#bounds.bits);
    this.#filters[segment] ??= new Uint32Array(2 ** this.#bounds.filterBits / 32);
    const filter = this.#filters[segment];
    const taken = new Uint32Array(2 * used);
    let to = 0;
    for (let at = 0; at < table.length; at += 2) {
      if (!isTaken(table, at)) continue;
      taken[to] = table[at]!;
      taken[to + 1] = table[at + 1]!;
      for (let probe = 0; probe < PROBES; probe += 1) {
        const bit = this.#filterBit(taken[to + HIGH]!, taken[to + LOW]!, probe);
        filter[bit >>> 5]! |= 1 << (bit & 31);
      }
      to += 2;
    }
    this.#runs.add(segment, new BigUint64Array(taken.buffer));
    table.fill(0);
    this.#used[segment] = 0;
  }

  #isOnDisk(segment: number, high: number, low: number): boolean {
    const filter = this.#filters[segment];
    if (filter === undefined) return false;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const bit = this.#filterBit(high, low, probe);
      if ((filter[bit >>> 5]! & (1 << (bit & 31))) === 0) return false;
    }
    return this.#runs!.has(segment, high, low);
  }

  #filterBit(high: number, low: number, probe: number): number {
    return (low + Math.imul(probe, high | 1)) >>> (32 - this.#bounds.filterBits);
  }
}

const isTaken = (table: Uint32Array, slot: number): boolean => table[slot] !== 0 || table[slot + 1] !== 0;

/** Where the fingerprint is, or may be put. */
const find = (table: Uint32Array, high: number, low: number): number => {
  let at = 2 * Math.floor(((low >>> 0) * (table.length / 2)) / 2 ** 32);
  while (isTaken(table, at) && (table[at + HIGH] !== high || table[at + LOW] !== low)) {
    at += 2;
    if (at === table.length) at = 0;
  }
  return at;
};
