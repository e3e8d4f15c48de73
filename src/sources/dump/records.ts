import type { Codec } from '../../core/contracts.ts';
import { AVRO_MAGIC, AvroBlocks, type AvroBlocksOptions } from './avro-blocks.ts';
import { LineSplitter } from './lines.ts';

/** One document of a dump. Positions count what the format counts: bytes of text, or records. */
export interface DumpRecord {
  readonly value: Buffer;
  readonly position: number;
  readonly next: number;
  /** Where the file says how its records are encoded. */
  readonly codec?: Codec;
}

/** Cuts the decompressed bytes of a file into records. */
export interface RecordReader {
  /** The records that this chunk completes. */
  push(chunk: Buffer): AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>;
  /** What is left when the file ends. Throws where it ends too early. */
  end(): AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>;
}

/** Lines of text, or an Avro object container file: the first bytes decide, not the name. */
export class DumpRecords {
  readonly #options: AvroBlocksOptions;
  #head = Buffer.alloc(0);
  #reader: RecordReader | undefined;

  constructor(options: AvroBlocksOptions) {
    this.#options = options;
  }

  async *push(chunk: Buffer): AsyncGenerator<DumpRecord[]> {
    if (this.#reader !== undefined) return yield* this.#reader.push(chunk);
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length >= AVRO_MAGIC.length) yield* this.#begin();
  }

  async *end(): AsyncGenerator<DumpRecord[]> {
    if (this.#reader === undefined) yield* this.#begin();
    yield* this.#reader!.end();
  }

  #begin(): ReturnType<RecordReader['push']> {
    const avro = this.#head.subarray(0, AVRO_MAGIC.length).equals(AVRO_MAGIC);
    this.#reader = avro ? new AvroBlocks(this.#options) : new TextLines(this.#options.maxBytes);
    return this.#reader.push(this.#head);
  }
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

class TextLines implements RecordReader {
  readonly #splitter: LineSplitter;
  constructor(maxBytes: number) {
    this.#splitter = new LineSplitter(maxBytes);
  }
  push(chunk: Buffer): Iterable<DumpRecord[]> {
    return [this.#splitter.push(chunk).flatMap(withoutMark)];
  }
  end(): Iterable<DumpRecord[]> {
    return [this.#splitter.end().flatMap(withoutMark)];
  }
}

/** Some editors and exports begin a file with a mark that is no part of its first document. */
const withoutMark = (record: DumpRecord): DumpRecord[] => {
  if (record.position > 0 || !record.value.subarray(0, 3).equals(BYTE_ORDER_MARK)) return [record];
  const value = record.value.subarray(3);
  return value.length === 0 ? [] : [{ ...record, value }];
};
