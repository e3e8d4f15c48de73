import { isUtf8 } from 'node:buffer';
import { ProcessorError } from '../../core/errors.ts';
import { MAX_DEPTH } from '../../core/json/parse.ts';

/** A datum that is not what its schema says: the document's own fault. */
export const dataFault = (message: string): ProcessorError =>
  new ProcessorError('parse_exception', `the value is not the Avro that its schema describes: ${message}`);

/** Items without any bytes (null, empty records) that one datum may count: nothing else bounds them. */
const MAX_EMPTY_ITEMS = 100_000;

/** Reads Avro's binary encoding and never beyond its end: every length is checked before anything is made of it. */
export class AvroInput {
  readonly #bytes: Buffer;
  #at: number;
  #depth = 0;
  #emptyItems = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Another datum begins here, with limits of its own. */
  nextDatum(): void {
    this.#depth = 0;
    this.#emptyItems = 0;
  }

  fail(message: string): never {
    throw dataFault(`${message} at byte ${this.#at}`);
  }

  /** Called for everything that may hold others. */
  enter(): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.fail(`nesting deeper than ${MAX_DEPTH}`);
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** Moves on by a number of bytes and answers where they began. */
  take(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) this.fail(`${length} bytes expected, ${this.left} left`);
    this.#at = from + length;
    return from;
  }

  boolean(): boolean {
    const byte = this.#bytes[this.take(1)]!;
    if (byte > 1) this.fail('a boolean that is neither 0 nor 1');
    return byte === 1;
  }

  /** Exact: a bigint beyond 2^53. */
  long(): number | bigint {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at]!;
    if (byte < 0x80) {
      this.#at = at + 1;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let low = 0;
    // 49 bits fit into a double; floating point takes over where shifts end.
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      byte = bytes[at]!;
      if (byte === undefined) return this.#cutNumber();
      at += 1;
      low += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.#at = at;
        return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
      }
    }
    let all = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const next = bytes[at];
      if (next === undefined) return this.#cutNumber();
      at += 1;
      all |= BigInt(next & 0x7f) << shift;
      if (next >= 0x80) continue;
      if (all >= 1n << 64n) break;
      this.#at = at;
      const value = (all >> 1n) ^ -(all & 1n);
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    return this.fail('a number of more than 64 bits');
  }

  int(): number {
    const value = this.long();
    if (value !== Number(value) || value !== (value | 0)) this.fail('an int of more than 32 bits');
    return value as number;
  }

  float(): number {
    return this.#bytes.readFloatLE(this.take(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.take(8));
  }

  /** A view, not a copy. */
  fixed(length: number): Buffer {
    const from = this.take(length);
    return this.#bytes.subarray(from, from + length);
  }

  bytes(): Buffer {
    return this.fixed(this.length());
  }

  string(): string {
    const length = this.length();
    const from = this.take(length);
    const text = this.#bytes.toString('utf8', from, from + length);
    // The decoder replaces what is not UTF-8, which would be a silent loss.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(from, from + length)))
      this.fail('a string not in UTF-8');
    return text;
  }

  /** A length or index: never negative. */
  length(): number {
    const value = this.long();
    if (typeof value !== 'number' || value < 0) this.fail(`a length of ${value}`);
    return value;
  }

  /**
   * Items of the next block of an array or map; 0 ends it. The count is believed only as far as the bytes that are
   * left can hold so many.
   * @param least bytes that an item takes at least
   */
  block(least: number): number {
    let count = this.long();
    if (count < 0) {
      count = -count;
      // The block's size in bytes is for those who skip it.
      this.length();
    }
    return this.#checkCount(count, least);
  }

  /** Like `block`, but moves over blocks that tell their size. */
  blockToSkip(least: number): number {
    for (;;) {
      const count = this.long();
      if (count >= 0) return this.#checkCount(count, least);
      this.take(this.length());
    }
  }

  #checkCount(count: number | bigint, least: number): number {
    if (typeof count !== 'number' || count * least > this.left)
      this.fail(`a block of ${count} items, but only ${this.left} bytes left`);
    if (least === 0) {
      this.#emptyItems += count;
      if (this.#emptyItems > MAX_EMPTY_ITEMS) this.fail(`more than ${MAX_EMPTY_ITEMS} items without content`);
    }
    return count;
  }

  #cutNumber(): never {
    this.#at = this.#bytes.length;
    return this.fail('it ends within a number');
  }
}
