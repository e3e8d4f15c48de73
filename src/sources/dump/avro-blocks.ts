import { AvroInput } from '../../codecs/avro/input.ts';
import { compileSkip, type Skip } from '../../codecs/avro/skip.ts';
import type { Codec } from '../../core/contracts.ts';
import { messageOf } from '../../core/errors.ts';
import { avroFileCodec, readFileSchema } from './avro-file-codec.ts';
import { type Unpack, unpackFor } from './block-compression.ts';
import { ByteQueue } from './byte-queue.ts';
import type { DumpRecord, RecordReader } from './records.ts';

export const AVRO_MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
/** Records without any bytes are bounded by nothing else. */
const MAX_RECORDS = 2 ** 31;
const MAX_HEADER_BYTES = 32 * 1024 * 1024;
/** Records of a block that are handed over together; the byte budget is looked at in between. */
const RECORDS_AT_ONCE = 1000;

interface Block {
  readonly count: number;
  readonly packed: Buffer;
}

interface Header {
  readonly sync: Buffer;
  readonly unpack: Unpack;
  readonly skip: Skip;
  readonly codec: Codec;
}

export interface AvroBlocksOptions {
  /** For a block, packed and unpacked. */
  readonly maxBytes: number;
  /** Records before this one are of no interest. */
  readonly from: bigint;
  /** True when the bytes of all records are wanted all the same. */
  readonly all: boolean;
}

/**
 * Reads Avro object container files as their chunks come, a block at a time. Positions count records, and a record's
 * bytes are its datum's; documents are decoded with the file's own schema.
 */
export class AvroBlocks implements RecordReader {
  readonly #options: AvroBlocksOptions;
  readonly #queue = new ByteQueue();
  #header: Header | undefined;
  #position = 0;
  /** Bytes without which trying again is of no use. */
  #wanted = 0;

  constructor(options: AvroBlocksOptions) {
    this.#options = options;
  }

  async *push(chunk: Buffer): AsyncGenerator<DumpRecord[]> {
    this.#queue.push(chunk);
    if (this.#queue.length < this.#wanted) return;
    if (this.#header === undefined) this.#readHeader();
    for (;;) {
      const block = this.#header === undefined ? undefined : this.#nextBlock(this.#header);
      if (block === undefined) return;
      yield* this.#recordsOf(block, this.#header!);
    }
  }

  async *end(): AsyncGenerator<DumpRecord[]> {
    if (this.#header === undefined) {
      this.#wanted = 0;
      yield* this.push(Buffer.alloc(0));
    }
    if (this.#header === undefined) throw new Error('the Avro file ends within its header');
    if (this.#queue.length > 0) throw this.#damaged('it ends within the block');
  }

  #damaged(reason: string): Error {
    return new Error(`the Avro file is damaged after record ${this.#position}: ${reason}`);
  }

  #readHeader(): void {
    const bytes = this.#queue.peek();
    if (bytes.length < AVRO_MAGIC.length) return;
    const meta = new Map<string, Buffer>();
    const input = new AvroInput(bytes, AVRO_MAGIC.length);
    let sync: Buffer;
    try {
      for (let count = input.block(2); count > 0; count = input.block(2))
        for (let at = 0; at < count; at += 1) meta.set(input.string(), input.bytes());
      sync = Buffer.from(input.fixed(SYNC_BYTES));
    } catch (error) {
      // A header without its end and a damaged one look the same; a longer look tells.
      if (bytes.length > MAX_HEADER_BYTES)
        throw new Error(`the header of the Avro file is damaged: ${messageOf(error)}`);
      this.#wanted = 2 * bytes.length;
      return;
    }
    this.#wanted = 0;
    this.#header = { sync, ...readMetadata(meta) };
    this.#queue.drop(input.at);
  }

  /** The next block, once all of it is there. */
  #nextBlock({ sync }: Header): Block | undefined {
    const start = this.#queue.peek(20);
    if (start.length === 0) return undefined;
    const input = new AvroInput(start);
    let [count, size] = [0, 0];
    try {
      count = input.length();
      size = input.length();
    } catch (error) {
      if (start.length >= 20) throw this.#damaged(messageOf(error));
      return undefined;
    }
    if (count > MAX_RECORDS) throw this.#damaged(`a block of ${count} records`);
    if (size > this.#options.maxBytes)
      throw this.#damaged(`a block of ${size} bytes is larger than max_document_bytes (${this.#options.maxBytes})`);
    const whole = input.at + size + SYNC_BYTES;
    this.#wanted = whole;
    if (this.#queue.length < whole) return undefined;
    this.#wanted = 0;
    const bytes = this.#queue.take(whole);
    if (!bytes.subarray(whole - SYNC_BYTES).equals(sync))
      throw this.#damaged('the mark at the end of a block is wrong');
    return { count, packed: bytes.subarray(input.at, input.at + size) };
  }

  async *#recordsOf({ count, packed }: Block, { unpack, skip, codec }: Header): AsyncGenerator<DumpRecord[]> {
    const { from, all, maxBytes } = this.#options;
    if (!all && BigInt(this.#position + count) <= from) {
      this.#position += count;
      return;
    }
    const bytes = await this.#unpack(() => unpack(packed, maxBytes));
    const input = new AvroInput(bytes);
    for (let left = count; left > 0; ) {
      const records: DumpRecord[] = [];
      for (; left > 0 && records.length < RECORDS_AT_ONCE; left -= 1) {
        const start = input.at;
        this.#skip(skip, input);
        const position = this.#position;
        this.#position += 1;
        records.push({ value: bytes.subarray(start, input.at), position, next: position + 1, codec });
      }
      yield records;
    }
    if (input.left > 0) throw this.#damaged(`${input.left} bytes are left after a block's ${count} records`);
  }

  async #unpack(unpack: () => Buffer | Promise<Buffer>): Promise<Buffer> {
    try {
      return await unpack();
    } catch (error) {
      throw this.#damaged(messageOf(error));
    }
  }

  #skip(skip: Skip, input: AvroInput): void {
    try {
      input.nextDatum();
      skip(input);
    } catch (error) {
      throw this.#damaged(messageOf(error));
    }
  }
}

const readMetadata = (meta: ReadonlyMap<string, Buffer>): Omit<Header, 'sync'> => {
  const unpack = unpackFor(meta.get('avro.codec')?.toString('utf8') ?? 'null');
  try {
    const text = meta.get('avro.schema')?.toString('utf8') ?? '';
    const schema = readFileSchema(text);
    return { unpack, skip: compileSkip(schema), codec: avroFileCodec(schema, text) };
  } catch (error) {
    throw new Error(`the schema in the Avro file cannot be used: ${messageOf(error)}`);
  }
};
