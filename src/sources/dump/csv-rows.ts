import type { Codec } from '../../core/contracts.ts';
import { type Cells, cellsOf, csvCodec } from './csv-codec.ts';
import type { CsvOptions } from './options.ts';
import type { DumpRecord, RecordReader } from './records.ts';

const [LINE_FEED, RETURN] = [0x0a, 0x0d];

/**
 * Rows of CSV and the like. They are cut here, so that each has an exact position; the cells of one row are the
 * library's, which works on texts and knows no bytes.
 */
export class CsvRows implements RecordReader {
  readonly #options: CsvOptions & { readonly delimiter: string };
  readonly #maxBytes: number;
  readonly #delimiter: number;
  readonly #quote: number;
  #codec: Codec | undefined;
  #place: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  #quotedAt = 0;
  #parts: Buffer[] = [];
  #kept = 0;
  #start = 0;
  #at = 0;

  constructor(options: CsvOptions & { readonly delimiter: string }, maxBytes: number) {
    this.#options = options;
    this.#maxBytes = maxBytes;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#quote = options.quote.charCodeAt(0);
    if (options.columns !== undefined) this.#codec = csvCodec(options.columns, options);
  }

  /** Goes on at a row that begins there. @returns false where what was read so far has no whole header */
  goOnAt(position: number): boolean {
    if (this.#codec === undefined) return false;
    this.#parts = [];
    this.#kept = 0;
    this.#place = 'start';
    this.#start = position;
    this.#at = position;
    return true;
  }

  push(chunk: Buffer): Iterable<DumpRecord[]> {
    const records: DumpRecord[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]!;
      if (this.#place === 'quoted') {
        if (byte === this.#quote) this.#place = 'closed';
        continue;
      }
      if (byte === LINE_FEED) {
        this.#keep(chunk.subarray(from, at));
        from = at + 1;
        this.#close(this.#at + at + 1, records);
      } else if (byte === this.#delimiter) this.#place = 'start';
      else if (byte === this.#quote && this.#place !== 'plain') {
        if (this.#place === 'start') this.#quotedAt = this.#at + at;
        this.#place = 'quoted';
      }
      // A cell that goes on behind its quotes is the row's own fault, and ends with it.
      else if (this.#place === 'start' || byte !== RETURN) this.#place = 'plain';
    }
    this.#keep(chunk.subarray(from));
    this.#at += chunk.length;
    return [records];
  }

  end(): Iterable<DumpRecord[]> {
    // It has swallowed every row since.
    if (this.#place === 'quoted') throw new Error(`the quote at byte ${this.#quotedAt} is never closed`);
    const records: DumpRecord[] = [];
    this.#close(this.#at, records);
    return [records];
  }

  #keep(part: Buffer): void {
    const kept = part.subarray(0, Math.max(0, this.#maxBytes - this.#kept));
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#kept += kept.length;
  }

  #close(next: number, records: DumpRecord[]): void {
    let value = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const position = this.#start;
    this.#parts = [];
    this.#kept = 0;
    this.#start = next;
    this.#place = 'start';
    if (value.at(-1) === RETURN) value = value.subarray(0, -1);
    if (position === 0 && value.subarray(0, 3).equals(BYTE_ORDER_MARK)) value = value.subarray(3);
    if (value.length === 0) return;
    if (this.#codec === undefined) this.#codec = csvCodec(readHeader(value, this.#options), this.#options);
    else records.push({ value, position, next, codec: this.#codec });
  }
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const readHeader = (row: Uint8Array, options: Cells): string[] => {
  const names = cellsOf(row, options);
  if (typeof names === 'string') throw new Error(`the header: ${names}`);
  names.forEach((name, index) => {
    if (name === '') throw new Error(`column ${index + 1} of the header has no name`);
    if (names.indexOf(name) !== index) throw new Error(`two columns are called [${name}]`);
  });
  return names;
};
