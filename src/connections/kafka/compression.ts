import { promisify } from 'node:util';
import { gunzip, gzip, constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappy';

/** A record batch may not unfold to more than this: a small message must not fill the memory. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

const limited = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
const tooLarge = () => new RangeError(`a compressed record batch unfolds to more than ${MAX_DECOMPRESSED_BYTES} bytes`);

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = 16;

/** Length that a raw snappy block says it unfolds to. */
const snappyLength = (block: Buffer): number => {
  let length = 0;
  for (let at = 0, shift = 0; at < Math.min(5, block.length); at += 1, shift += 7) {
    length += (block[at]! & 0x7f) * 2 ** shift;
    if (block[at]! < 0x80) return length;
  }
  throw new RangeError('a snappy block is damaged');
};

/** Raw snappy, or the blocks of snappy-java, which the Java producer writes. */
const unsnappy = async (data: Buffer): Promise<Buffer> => {
  const blocks: Buffer[] = [];
  if (!data.subarray(0, XERIAL.length).equals(XERIAL)) blocks.push(data);
  else {
    for (let at = XERIAL_HEADER; at < data.length; ) {
      const size = data.readUInt32BE(at);
      blocks.push(data.subarray(at + 4, at + 4 + size));
      at += 4 + size;
    }
  }
  if (blocks.reduce((sum, block) => sum + snappyLength(block), 0) > MAX_DECOMPRESSED_BYTES) throw tooLarge();
  return Buffer.concat(
    (await Promise.all(blocks.map((block) => snappy.uncompress(block, { asBuffer: true })))) as Buffer[],
  );
};

/** What the blocks of an LZ4 frame can unfold to at most: 255 times their size, or their declared maximum. */
const lz4Bound = (frame: Buffer): number => {
  if (frame.length < 7 || frame.readUInt32LE(0) !== 0x184d2204) throw new RangeError('an LZ4 frame is damaged');
  const flags = frame[4]!;
  const blockMaximum = 2 ** (8 + 2 * ((frame[5]! >> 4) & 7));
  if ((flags & 0x08) !== 0) return Number(frame.readBigUInt64LE(6));
  let bound = 0;
  for (let at = 7; at + 4 <= frame.length; ) {
    const size = frame.readUInt32LE(at) & 0x7fffffff;
    if (size === 0) break;
    bound += Math.min(blockMaximum, size * 255);
    at += 4 + size + ((flags & 0x10) === 0 ? 0 : 4);
  }
  return bound;
};

const unlz4 = async (data: Buffer): Promise<Buffer> => {
  if (lz4Bound(data) > 4 * MAX_DECOMPRESSED_BYTES) throw tooLarge();
  const out = await lz4.decompressFrame(data);
  if (out.length > MAX_DECOMPRESSED_BYTES) throw tooLarge();
  return out;
};

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

const gunzipAsync = promisify<Buffer, object, Buffer>(gunzip);
const unzstd = promisify<Buffer, object, Buffer>(zstdDecompress);
const { CompressionTypes, CompressionCodecs } = kafkajs;

const CODECS: readonly (readonly [kafkajs.CompressionTypes, Codec])[] = [
  [
    CompressionTypes.GZIP,
    {
      compress: ({ buffer }) => promisify<Buffer, Buffer>(gzip)(buffer),
      decompress: (data) => gunzipAsync(data, limited),
    },
  ],
  [CompressionTypes.Snappy, { compress: ({ buffer }) => snappy.compress(buffer), decompress: unsnappy }],
  [CompressionTypes.LZ4, { compress: ({ buffer }) => lz4.compressFrame(buffer), decompress: unlz4 }],
  [
    CompressionTypes.ZSTD,
    {
      compress: ({ buffer }) => promisify<Buffer, Buffer>(zstdCompress)(buffer),
      decompress: (data) => unzstd(data, { ...limited, params: { [zlib.ZSTD_d_windowLogMax]: 27 } }),
    },
  ],
];

/** kafkajs keeps its codecs in one table for the process; this fills it, bounded, once. */
export const installCompression = (): void => {
  const table = CompressionCodecs as unknown as Record<number, () => Codec>;
  for (const [type, codec] of CODECS) table[type] = () => codec;
};
