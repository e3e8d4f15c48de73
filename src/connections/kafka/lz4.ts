import lz4 from 'lz4-napi';
import { type Decompress, TooLargeError } from './decompressed.ts';

const MAGIC = 0x184d2204;
const HEADER = 7;
const WITH_BLOCK_CHECKSUMS = 0x10;
const WITH_CONTENT_SIZE = 0x08;
const WITH_DICTIONARY_ID = 0x01;
/** The bit of a block's size that says: stored as it is. */
const STORED = 0x80000000;

/**
 * The decoders know no bound, and a frame need not say how long its content is: so it is counted before.
 * @throws TooLargeError
 */
export const checkLz4 = (data: Buffer, room: number): void => {
  if (data.length < HEADER || data.readUInt32LE(0) !== MAGIC) throw new RangeError('an LZ4 frame is damaged');
  const blocks = blocksOf(data);
  const maximum = 2 ** (8 + 2 * ((data[5]! >> 4) & 7));
  // The cheap count is exact but for blocks that are not full; the other one reads all of the frame.
  if (sum(blocks, ({ bytes, stored }) => (stored ? bytes.length : Math.min(maximum, bytes.length * 255))) > room)
    if (sum(blocks, ({ bytes, stored }) => (stored ? bytes.length : unfoldedLength(bytes))) > room)
      throw new TooLargeError();
};

export const unlz4: Decompress = async (data, room) => {
  checkLz4(data, room);
  const out = await lz4.decompressFrame(data);
  if (out.length > room) throw new TooLargeError();
  return out;
};

interface Block {
  readonly bytes: Buffer;
  readonly stored: boolean;
}

const sum = (blocks: readonly Block[], length: (block: Block) => number): number =>
  blocks.reduce((total, block) => total + length(block), 0);

/** A damaged frame has fewer: the decoder says so in its own words. */
const blocksOf = (frame: Buffer): Block[] => {
  const flags = frame[4]!;
  const blocks: Block[] = [];
  const checksum = (flags & WITH_BLOCK_CHECKSUMS) === 0 ? 0 : 4;
  let at = HEADER + ((flags & WITH_CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & WITH_DICTIONARY_ID) === 0 ? 0 : 4);
  while (at + 4 <= frame.length) {
    const size = frame.readUInt32LE(at);
    if (size === 0) break;
    const length = size % STORED;
    blocks.push({ bytes: frame.subarray(at + 4, at + 4 + length), stored: size >= STORED });
    at += 4 + length + checksum;
  }
  return blocks;
};

/** Adds up the literals and matches of a block, as the LZ4 block format has them, and writes none of them. */
const unfoldedLength = (block: Buffer): number => {
  let length = 0;
  let at = 0;
  const extended = (nibble: number): number => {
    let value = nibble;
    if (nibble === 15)
      for (let more = 255; more === 255 && at < block.length; ) {
        more = block[at]!;
        value += more;
        at += 1;
      }
    return value;
  };
  while (at < block.length) {
    const token = block[at]!;
    at += 1;
    const literals = extended(token >> 4);
    at += literals;
    length += literals;
    // The last sequence has no match.
    if (at >= block.length) break;
    at += 2;
    length += extended(token & 15) + 4;
  }
  return length;
};
