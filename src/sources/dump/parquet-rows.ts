import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors';
import snappy from 'snappy';
import { writeJson } from '../../core/json/write.ts';
import { fileJsonCodec } from './file-codec.ts';
import { EXACT_PARSERS, exactRows, withoutDecimals } from './parquet-values.ts';
import type { DumpRecord, RecordReader } from './records.ts';

export const PARQUET_MAGIC = Buffer.from('PAR1', 'latin1');
/** Bytes of a row group that are unpacked at once, roughly; a row group itself has no bound. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** A dictionary makes many rows of few bytes. */
const SLICE_ROWS = 32 * 1024;
/** Rows that are handed over together; the byte budget is looked at in between. */
const ROWS_AT_ONCE = 1000;

export interface ParquetOptions {
  /** For a page, unpacked. */
  readonly maxBytes: number;
  /** Records before this one are of no interest. */
  readonly from: bigint;
  /** True when the bytes of all records are wanted all the same. */
  readonly all: boolean;
}

/** Rows of a Parquet file, as JSON. Positions count rows; row groups before `from` are not even unpacked. */
export async function* parquetRows(path: string, options: ParquetOptions): AsyncGenerator<DumpRecord[]> {
  const handle = await open(path);
  try {
    const file = { byteLength: (await handle.stat()).size, slice: sliceOf(handle) };
    const metadata = withoutDecimals(await parquetMetadataAsync(file));
    const convert = exactRows(metadata);
    for (const [start, end] of slicesOf(metadata)) {
      if (!options.all && BigInt(end) <= options.from) continue;
      const rows = await readRows(file, metadata, options.maxBytes, start, end);
      for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
        yield rows.slice(at, at + ROWS_AT_ONCE).map((row, index) => {
          const position = start + at + index;
          return { value: Buffer.from(writeJson(convert(row))), position, next: position + 1, codec: fileJsonCodec };
        });
    }
  } finally {
    await handle.close();
  }
}

const readRows = async (file: AsyncBuffer, metadata: FileMetaData, maxBytes: number, start: number, end: number) => {
  try {
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart: start,
      rowEnd: end,
      compressors: compressorsFor(maxBytes),
      parsers: EXACT_PARSERS,
      utf8: false,
      geoparquet: false,
      useOffsetIndex: true,
    });
    if (rows.length !== end - start) throw new Error(`${rows.length} rows are there, ${end - start} were promised`);
    return rows;
  } catch (error) {
    throw new Error(`the Parquet file cannot be read after row ${start}: ${(error as Error).message}`, {
      cause: error,
    });
  }
};

const sliceOf =
  (handle: FileHandle) =>
  async (start: number, end?: number): Promise<ArrayBuffer> => {
    const length = (end ?? (await handle.stat()).size) - start;
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, start);
    if (bytesRead < length) throw new Error('the file ends too early');
    return bytes.buffer;
  };

/** Ranges of rows, each within one row group. */
function* slicesOf({ row_groups }: FileMetaData): Generator<readonly [number, number]> {
  let first = 0;
  for (const { num_rows, total_byte_size } of row_groups) {
    const rows = Number(num_rows);
    const parts = Math.max(1, Math.ceil(Number(total_byte_size) / SLICE_BYTES), Math.ceil(rows / SLICE_ROWS));
    const step = Math.max(1, Math.ceil(rows / parts));
    for (let at = 0; at < rows; at += step) yield [first + at, first + Math.min(rows, at + step)];
    first += rows;
  }
}

/** Node's own and native ones, which are faster and know a bound. */
const compressorsFor = (maxBytes: number): Compressors => {
  const within =
    (unpack: (bytes: Uint8Array, length: number) => Uint8Array) =>
    (bytes: Uint8Array, length: number): Uint8Array => {
      if (length > maxBytes) throw new Error(`a page unfolds to more than max_document_bytes (${maxBytes})`);
      return unpack(bytes, length);
    };
  return {
    GZIP: within((bytes, length) => gunzipSync(bytes, { maxOutputLength: length })),
    BROTLI: within((bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: length })),
    ZSTD: within((bytes, length) => zstdDecompressSync(bytes, { maxOutputLength: length })),
    SNAPPY: within((bytes) => snappy.uncompressSync(Buffer.from(bytes), { asBuffer: true }) as Buffer),
    LZ4: within((bytes, length) => decompressLz4(bytes, length)),
    LZ4_RAW: within((bytes, length) => decompressLz4Raw(bytes, length)),
  };
};

/** A Parquet file begins to tell at its end, so one that comes packed or by a pipe is kept on disk first. */
export class SpooledParquet implements RecordReader {
  readonly #options: ParquetOptions;
  readonly #folder: string;
  readonly #path: string;
  readonly #file: ReturnType<typeof createWriteStream>;
  #failed: Error | undefined;

  constructor(options: ParquetOptions, folder: string) {
    this.#options = options;
    mkdirSync(folder, { recursive: true });
    this.#folder = mkdtempSync(join(folder, 'sluice-parquet-'));
    this.#path = join(this.#folder, 'rows.parquet');
    this.#file = createWriteStream(this.#path);
    this.#file.on('error', (error) => {
      this.#failed = error;
    });
  }

  async *push(chunk: Buffer): AsyncGenerator<DumpRecord[]> {
    if (this.#failed === undefined && !this.#file.write(chunk))
      await new Promise<void>((resolve) => {
        this.#file.once('drain', resolve);
        this.#file.once('close', resolve);
      });
    if (this.#failed !== undefined) throw this.#failed;
  }

  async *end(): AsyncGenerator<DumpRecord[]> {
    this.#file.end();
    await finished(this.#file);
    yield* parquetRows(this.#path, this.#options);
  }

  close(): void {
    this.#file.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
