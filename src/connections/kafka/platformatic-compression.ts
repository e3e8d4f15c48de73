import { gunzipSync, constants as zlib, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { MAX_DECOMPRESSED_BYTES, TooLargeError } from './decompressed.ts';
import { checkLz4 } from './lz4.ts';
import { checkSnappy } from './snappy.ts';

type Buffers = Buffer | { readonly buffer: Buffer };
interface Algorithm {
  decompressSync: (data: Buffers) => Buffer;
}

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4];

/** What is left for the batches of the fetch that is being decoded; the library decodes all of them at once. */
let room = MAX_DECOMPRESSED_BYTES;
let counting = false;

const bounded =
  (decompress: (data: Buffer, room: number) => Buffer) =>
  (data: Buffers): Buffer => {
    if (!counting) {
      counting = true;
      queueMicrotask(() => {
        counting = false;
        room = MAX_DECOMPRESSED_BYTES;
      });
    }
    try {
      const out = decompress(Buffer.isBuffer(data) ? data : data.buffer, room);
      room -= out.length;
      return out;
    } catch (error) {
      if (!(error instanceof TooLargeError) && (error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE')
        throw error;
      throw new TooLargeError(`the record batches of a fetch unfold to more than ${MAX_DECOMPRESSED_BYTES} bytes`);
    }
  };

/** Refuses before a byte is unfolded: these two libraries cannot be stopped in between. */
const checked =
  (check: (data: Buffer, left: number) => void, decompress: (data: Buffer) => Buffer) =>
  (data: Buffer, left: number): Buffer => {
    check(data, left);
    return decompress(data);
  };

let installed = false;

/** The library keeps its codecs in one table for the process, and bounds none of them. */
export const boundDecompression = (): void => {
  if (installed) return;
  installed = true;
  const table = compressionsAlgorithmsByBitmask as unknown as Record<number, Algorithm>;
  const [snappy, lz4] = [table[SNAPPY!]!.decompressSync, table[LZ4!]!.decompressSync];
  const own: Record<number, (data: Buffer, left: number) => Buffer> = {
    [GZIP!]: (data, left) => gunzipSync(data, { maxOutputLength: Math.max(1, left) }),
    [SNAPPY!]: checked(checkSnappy, snappy),
    [LZ4!]: checked(checkLz4, lz4),
    [ZSTD!]: (data, left) =>
      zstdDecompressSync(data, {
        maxOutputLength: Math.max(1, left),
        params: { [zlib.ZSTD_d_windowLogMax]: 27 },
      }),
  };
  for (const [bits, decompress] of Object.entries(own)) table[Number(bits)]!.decompressSync = bounded(decompress);
};
