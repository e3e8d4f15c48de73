import snappy from 'snappy';
import { type Decompress, TooLargeError } from './decompressed.ts';

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = 16;

/** Blocks that are in work at the same time: each is held twice until it is copied. */
const AT_ONCE = 64;

/** Length that a raw snappy block says it unfolds to; the decoder holds it to that. */
const lengthOf = (block: Buffer): number => {
  let length = 0;
  for (let at = 0, shift = 0; at < Math.min(5, block.length); at += 1, shift += 7) {
    length += (block[at]! & 0x7f) * 2 ** shift;
    if (block[at]! < 0x80) return length;
  }
  throw new RangeError('a snappy block is damaged');
};

/** Raw snappy, or the blocks of snappy-java, which the Java producer writes. */
const blocksOf = (data: Buffer): Buffer[] => {
  if (!data.subarray(0, XERIAL.length).equals(XERIAL)) return [data];
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER; at < data.length; ) {
    const size = data.readUInt32BE(at);
    blocks.push(data.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return blocks;
};

/** @throws TooLargeError */
export const checkSnappy = (data: Buffer, room: number): void => {
  if (blocksOf(data).reduce((sum, block) => sum + lengthOf(block), 0) > room) throw new TooLargeError();
};

export const unsnappy: Decompress = async (data, room) => {
  const blocks = blocksOf(data);
  const length = blocks.reduce((sum, block) => sum + lengthOf(block), 0);
  if (length > room) throw new TooLargeError();
  const uncompress = (block: Buffer) => snappy.uncompress(block, { asBuffer: true }) as Promise<Buffer>;
  if (blocks.length === 1) return uncompress(blocks[0]!);
  const out = Buffer.allocUnsafe(length);
  let at = 0;
  for (let from = 0; from < blocks.length; from += AT_ONCE)
    for (const block of await Promise.all(blocks.slice(from, from + AT_ONCE).map(uncompress)))
      at += block.copy(out, at);
  return out;
};
