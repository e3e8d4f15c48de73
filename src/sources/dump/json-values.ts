import { fileJsonCodec } from './file-codec.ts';
import type { DumpRecord, RecordReader } from './records.ts';

const [QUOTE, BACKSLASH, OPEN, CLOSE, COMMA] = [0x22, 0x5c, 0x5b, 0x5d, 0x2c];
const [BRACE, BRACE_END] = [0x7b, 0x7d];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Where the scanner stands: what may come next, or inside of which kind of value it is. */
type Place = 'top' | 'first' | 'after' | 'next' | 'nested' | 'scalar';

/**
 * The elements of a JSON array, or objects one after another over any number of lines. Each is cut out as the bytes it
 * is written in, and read by itself: a file of any size takes the memory of its largest element, and no digit is lost.
 */
export class JsonValues implements RecordReader {
  readonly #maxBytes: number;
  #place: Place = 'top';
  #inArray = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #parts: Buffer[] = [];
  #kept = 0;
  #start = 0;
  /** Bytes before the current chunk. */
  #before = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Buffer): Generator<DumpRecord[]> {
    const records: DumpRecord[] = [];
    try {
      this.#scan(chunk, records);
    } finally {
      // What lies before a damage is whole.
      yield records;
    }
  }

  #scan(chunk: Buffer, records: DumpRecord[]): void {
    let from = 0;
    let at = this.#before === 0 && chunk.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    while (at < chunk.length) {
      if (this.#place === 'nested') {
        at = this.#nested(chunk, at);
        if (this.#place === 'nested') break;
        this.#close(chunk.subarray(from, at), at, records);
      } else if (this.#place === 'scalar') {
        at = this.#scalar(chunk, at);
        if (at === chunk.length) break;
        this.#close(chunk.subarray(from, at), at, records);
      } else {
        from = at;
        const begins = this.#between(chunk[at]!, at);
        if (begins !== undefined) this.#start = this.#before + at;
        // A scalar ends in front of what ends it, so its first byte is looked at again.
        if (begins !== 'scalar') at += 1;
      }
    }
    if (this.#place === 'nested' || this.#place === 'scalar') this.#keep(chunk.subarray(from));
    this.#before += chunk.length;
  }

  end(): Iterable<DumpRecord[]> {
    const records: DumpRecord[] = [];
    if (this.#place === 'scalar' && !this.#inArray) this.#close(Buffer.alloc(0), 0, records);
    if (this.#place !== 'top')
      throw new Error(
        `the JSON is cut off: it ends at byte ${this.#before}, within ${this.#inArray ? 'its array' : 'a value'}`,
      );
    return [records];
  }

  /** What kind of value begins here, if one does. */
  #between(byte: number, at: number): 'nested' | 'scalar' | undefined {
    if (isSpace(byte)) return undefined;
    if (this.#place === 'after') {
      if (byte === COMMA) this.#place = 'next';
      else if (byte === CLOSE) this.#leave();
      else throw this.#damaged(at, 'a comma or the end of the array is missing');
      return undefined;
    }
    if (byte === CLOSE && this.#place === 'first') {
      this.#leave();
      return undefined;
    }
    if (byte === OPEN && this.#place === 'top') {
      this.#inArray = true;
      this.#place = 'first';
      return undefined;
    }
    if (byte === CLOSE || byte === COMMA || byte === BRACE_END) throw this.#damaged(at, 'a value is missing');
    if (byte === BRACE || byte === OPEN || byte === QUOTE) {
      this.#place = 'nested';
      this.#depth = byte === QUOTE ? 0 : 1;
      this.#inString = byte === QUOTE;
      return 'nested';
    }
    this.#place = 'scalar';
    return 'scalar';
  }

  #leave(): void {
    this.#inArray = false;
    this.#place = 'top';
  }

  #damaged(at: number, reason: string): Error {
    return new Error(`the JSON is damaged at byte ${this.#before + at}: ${reason}`);
  }

  /** Where a string, array or object ends, or the end of the chunk. */
  #nested(chunk: Buffer, from: number): number {
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped];
    let at = from;
    for (; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (escaped) escaped = false;
      else if (inString) {
        if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        else continue;
      } else if (byte === QUOTE) inString = true;
      else if (byte === BRACE || byte === OPEN) depth += 1;
      else if (byte === BRACE_END || byte === CLOSE) depth -= 1;
      else continue;
      if (depth === 0 && !inString) {
        this.#place = 'after';
        at += 1;
        break;
      }
    }
    [this.#depth, this.#inString, this.#escaped] = [depth, inString, escaped];
    return at;
  }

  #scalar(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (isSpace(byte) || byte === COMMA || byte === CLOSE) return at;
    }
    return chunk.length;
  }

  /** What is longer than `maxBytes` is cut there. */
  #keep(part: Buffer): void {
    const kept = part.subarray(0, Math.max(0, this.#maxBytes - this.#kept));
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#kept += kept.length;
  }

  #close(last: Buffer, at: number, records: DumpRecord[]): void {
    this.#keep(last);
    const value = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    records.push({ value, position: this.#start, next: this.#before + at, codec: fileJsonCodec });
    this.#parts = [];
    this.#kept = 0;
    this.#place = this.#inArray ? 'after' : 'top';
  }
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
