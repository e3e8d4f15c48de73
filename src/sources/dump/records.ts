import type { Codec } from '../../core/contracts.ts';
import type { Envelope } from './envelopes.ts';
import { type FormatOptions, HEAD_BYTES_WANTED, readerFor } from './formats.ts';

/** One document of a dump. Positions count what the format counts: bytes of text, or records. */
export interface DumpRecord {
  /** Null where the dump says that a document is deleted. */
  readonly value: Buffer | null;
  readonly position: number;
  readonly next: number;
  /** Where the format says how its records are encoded. */
  readonly codec?: Codec;
  /** Where the dump keeps metadata beside the document. */
  readonly envelope?: () => Envelope;
}

/** Cuts the decompressed bytes of a file into records. */
export interface RecordReader {
  /** The records that this chunk completes. */
  push(chunk: Buffer): AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>;
  /** What is left when the file ends. Throws where it ends too early. */
  end(): AsyncIterable<DumpRecord[]> | Iterable<DumpRecord[]>;
  /** Removes what lies on disk. */
  close?(): void;
}

/** The records of a file whose format is found out as its first bytes come. */
export class DumpRecords {
  readonly #options: FormatOptions;
  #head: Buffer[] = [];
  #length = 0;
  #reader: RecordReader | undefined;

  constructor(options: FormatOptions) {
    this.#options = options;
  }

  async *push(chunk: Buffer): AsyncGenerator<DumpRecord[]> {
    if (this.#reader !== undefined) return yield* this.#reader.push(chunk);
    this.#head.push(chunk);
    this.#length += chunk.length;
    if (this.#length >= HEAD_BYTES_WANTED || (this.#length >= 4 && chunk.includes(0x0a))) yield* this.#begin();
  }

  async *end(): AsyncGenerator<DumpRecord[]> {
    if (this.#reader === undefined) yield* this.#begin();
    yield* this.#reader!.end();
  }

  close(): void {
    this.#reader?.close?.();
  }

  #begin(): ReturnType<RecordReader['push']> {
    const head = Buffer.concat(this.#head);
    this.#head = [];
    this.#reader = readerFor(head, this.#options);
    return this.#reader.push(head);
  }
}
