import { zstdDecompressSync } from 'node:zlib';

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** All frames of a small file: Node's own call stops after the first one. For tests only, it looks for the magic number. */
export const unzstd = (bytes: Buffer): Buffer => {
  const frames: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const next = bytes.indexOf(MAGIC, start + 4);
    const end = next < 0 ? bytes.length : next;
    frames.push(zstdDecompressSync(bytes.subarray(start, end)));
    start = end;
  }
  return Buffer.concat(frames);
};
