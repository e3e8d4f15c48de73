import { gzipSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappy from 'snappy';

const GIGABYTE = 1024 ** 3;
const MEGABYTES = 1024 ** 2;

const repeated = (part: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => part));
const size = (bytes: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(bytes);
  return out;
};

const gzip = (): Buffer => repeated(gzipSync(Buffer.alloc(16 * MEGABYTES), { level: 1 }), GIGABYTE / (16 * MEGABYTES));

/** One block: only its beginning says how long it is. */
const rawSnappy = (): Buffer =>
  Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0x00, 0x00]), Buffer.alloc(64)]);

const xerialSnappy = (): Buffer => {
  const block = snappy.compressSync(Buffer.alloc(64 * 1024));
  const header = Buffer.concat([Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]), Buffer.alloc(8)]);
  return Buffer.concat([header, repeated(Buffer.concat([size(block.length).swap32(), block]), GIGABYTE / (64 * 1024))]);
};

/**
 * Blocks of 4 MiB. A header may say how long the content is, and lie.
 * @param says the length that stands in the header
 */
const lz4Frame = (says?: number): Buffer => {
  const block = lz4.compressSync(Buffer.alloc(4 * MEGABYTES)).subarray(4);
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, says === undefined ? 0x60 : 0x68, 0x70]);
  const content = Buffer.alloc(says === undefined ? 0 : 8);
  if (says !== undefined) content.writeBigUInt64LE(BigInt(says));
  const blocks = repeated(Buffer.concat([size(block.length), block]), GIGABYTE / (4 * MEGABYTES));
  // The header's checksum is wrong: whatever refuses the frame for that came too late.
  return Buffer.concat([header, content, Buffer.from([0x00]), blocks, size(0)]);
};

/** Blocks of one byte and a count. */
const zstd = (): Buffer => {
  const block = (last: number) => size((128 * 1024 * 8) | 2 | last);
  // The fourth byte of each is the one that is repeated.
  const blocks = repeated(block(0), GIGABYTE / (128 * 1024) - 1);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]), blocks, block(1)]);
};

/** A gigabyte of zeros in every compression that Kafka has. The number is kafkajs' for it. */
export const BOMBS: Readonly<Record<string, readonly [number, () => Buffer]>> = {
  gzip: [1, gzip],
  'raw snappy': [2, rawSnappy],
  'snappy-java': [2, xerialSnappy],
  lz4: [3, lz4Frame],
  'lz4 that says it is small': [3, () => lz4Frame(10)],
  zstd: [4, zstd],
};
