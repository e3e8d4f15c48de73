import { LineSplitter } from './lines.ts';
import type { DumpRecord, RecordReader } from './records.ts';

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** One document a line. */
export class TextLines implements RecordReader {
  readonly #splitter: LineSplitter;
  constructor(maxBytes: number, start = 0) {
    this.#splitter = new LineSplitter(maxBytes, start);
  }
  push(chunk: Buffer): Iterable<DumpRecord[]> {
    return [this.#splitter.push(chunk).flatMap(withoutMark)];
  }
  end(): Iterable<DumpRecord[]> {
    return [this.#splitter.end().flatMap(withoutMark)];
  }
}

/** Some editors and exports begin a file with a mark that is no part of its first document. */
const withoutMark = ({ value, position, next }: { value: Buffer; position: number; next: number }): DumpRecord[] => {
  if (position > 0 || !value.subarray(0, 3).equals(BYTE_ORDER_MARK)) return [{ value, position, next }];
  const rest = value.subarray(3);
  return rest.length === 0 ? [] : [{ value: rest, position, next }];
};
