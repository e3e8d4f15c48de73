import { promisify } from 'node:util';
import { gunzip, gzip, constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { bounded, boundFetches, type Decompress } from './decompressed.ts';
import { unlz4 } from './lz4.ts';
import { unsnappy } from './snappy.ts';

const { CompressionTypes, CompressionCodecs } = kafkajs;

const gunzipAsync = promisify<Buffer, object, Buffer>(gunzip);
const unzstd = promisify<Buffer, object, Buffer>(zstdDecompress);

type Compress = (data: Buffer) => Promise<Buffer>;

const CODECS: readonly (readonly [kafkajs.CompressionTypes, Compress, Decompress])[] = [
  [
    CompressionTypes.GZIP,
    promisify<Buffer, Buffer>(gzip),
    (data, room) => gunzipAsync(data, { maxOutputLength: room }),
  ],
  [CompressionTypes.Snappy, (data) => snappy.compress(data), unsnappy],
  [CompressionTypes.LZ4, (data) => lz4.compressFrame(data), unlz4],
  [
    CompressionTypes.ZSTD,
    promisify<Buffer, Buffer>(zstdCompress),
    (data, room) => unzstd(data, { maxOutputLength: room, params: { [zlib.ZSTD_d_windowLogMax]: 27 } }),
  ],
];

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

/** kafkajs keeps its codecs in one table for the process; this fills it, bounded, once. */
export const installCompression = (): void => {
  boundFetches();
  const table = CompressionCodecs as unknown as Record<number, () => Codec>;
  for (const [type, compress, decompress] of CODECS) {
    const codec = { compress: ({ buffer }: { buffer: Buffer }) => compress(buffer), decompress: bounded(decompress) };
    table[type] = () => codec;
  }
};
