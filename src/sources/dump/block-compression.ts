import { promisify } from 'node:util';
import { crc32, inflateRaw, zstdDecompress } from 'node:zlib';
import snappy from 'snappy';

/** Unpacks one block, which may become `maxBytes` long at most. */
export type Unpack = (packed: Buffer, maxBytes: number) => Buffer | Promise<Buffer>;

type Inflate = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;
const inflateAsync = promisify(inflateRaw) as Inflate;
const unzstdAsync = promisify(zstdDecompress) as Inflate;

const bounded =
  (inflate: Inflate): Unpack =>
  async (packed, maxBytes) => {
    try {
      return await inflate(packed, { maxOutputLength: maxBytes });
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : error;
    }
  };

const tooLarge = (maxBytes: number) => new Error(`a block unfolds to more than max_document_bytes (${maxBytes})`);

const CHECKSUM_BYTES = 4;

/** Avro puts the CRC-32 of what was packed behind each snappy block. */
const unsnappy: Unpack = async (packed, maxBytes) => {
  if (packed.length < CHECKSUM_BYTES) throw new Error('a snappy block without its checksum');
  const block = packed.subarray(0, -CHECKSUM_BYTES);
  if (snappyLength(block) > maxBytes) throw tooLarge(maxBytes);
  const bytes = (await snappy.uncompress(block, { asBuffer: true })) as Buffer;
  if (crc32(bytes) !== packed.readUInt32BE(block.length)) throw new Error('the checksum of a snappy block is wrong');
  return bytes;
};

/** Length that a raw snappy block says it unfolds to. */
const snappyLength = (block: Buffer): number => {
  let length = 0;
  for (let at = 0; at < Math.min(5, block.length); at += 1) {
    length += (block[at]! & 0x7f) * 128 ** at;
    if (block[at]! < 0x80) return length;
  }
  throw new Error('a snappy block is damaged');
};

const UNPACK: Readonly<Record<string, Unpack>> = {
  null: (packed) => packed,
  deflate: bounded(inflateAsync),
  snappy: unsnappy,
  zstandard: bounded(unzstdAsync),
};

export const unpackFor = (name: string): Unpack => {
  const unpack = Object.hasOwn(UNPACK, name) ? UNPACK[name] : undefined;
  if (unpack !== undefined) return unpack;
  throw new Error(`the Avro file is compressed with [${name}]; supported are [${Object.keys(UNPACK).join(', ')}]`);
};
