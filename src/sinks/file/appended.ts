import { createReadStream, existsSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const LINE_FEED = 0x0a;

/**
 * Makes a file ready for more lines after a crash may have cut its end. A plain file's last line is ended; a compressed
 * one that does not unpack to its end would hide all that follows, so it is moved aside.
 *
 * @returns where the damaged file lies now, if there was one
 */
export const mendEnd = async (path: string): Promise<string | undefined> => {
  if (!existsSync(path)) return undefined;
  if (!/\.(gz|zst)$/.test(path)) {
    await endLine(path);
    return undefined;
  }
  if (await isWhole(path)) return undefined;
  let count = 1;
  while (existsSync(`${path}.damaged-${count}`)) count += 1;
  const aside = `${path}.damaged-${count}`;
  await rename(path, aside);
  return aside;
};

const endLine = async (path: string): Promise<void> => {
  const file = await open(path, 'a+');
  try {
    const info = await file.stat();
    // Whatever else one may write to (a pipe, /dev/null) has no end.
    if (!info.isFile() || info.size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, info.size - 1);
    if (buffer[0] !== LINE_FEED) await file.appendFile('\n');
  } finally {
    await file.close();
  }
};

const isWhole = (path: string): Promise<boolean> => (path.endsWith('.gz') ? isWholeGzip(path) : isWholeZstd(path));

const isWholeGzip = async (path: string): Promise<boolean> => {
  if (statSync(path).size === 0) return true;
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const _ of chunks);
    });
    return true;
  } catch {
    return false;
  }
};

const ZSTD_MAGIC = 0xfd2fb528;
/** The longest frame header. */
const HEADER_BYTES = 18;

/** Walks over the blocks' headers: what a crash leaves is too short, not wrong. */
const isWholeZstd = async (path: string): Promise<boolean> => {
  const { size } = statSync(path);
  const file = await open(path);
  try {
    let at = 0;
    while (at < size) {
      const { buffer: header, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at);
      if (bytesRead < 5 || header.readUInt32LE(0) !== ZSTD_MAGIC) return false;
      const flags = header[4]!;
      const single = (flags >> 5) & 1;
      at += 5 + (1 - single) + [0, 1, 2, 4][flags & 3]! + [single, 2, 4, 8][flags >> 6]!;
      for (let last = false; !last; ) {
        const block = await file.read(Buffer.alloc(3), 0, 3, at);
        if (block.bytesRead < 3) return false;
        const bits = block.buffer.readUIntLE(0, 3);
        last = (bits & 1) === 1;
        // A run of one byte is kept as that byte.
        at += 3 + (((bits >> 1) & 3) === 1 ? 1 : bits >> 3);
      }
      if ((flags & 4) !== 0) at += 4;
    }
    return at === size;
  } finally {
    await file.close();
  }
};
