import { Readable } from 'node:stream';
import { createZstdDecompress, type ZstdDecompress } from 'node:zlib';

/**
 * Decompresses a row of zstd frames, as `cat a.zst b.zst` and the file sink write them. Node's decompressor stops
 * silently behind the first frame that ends within a chunk; what it left over goes to another one.
 */
export const unzstdFrames = (raw: Readable, chunkSize: number): Readable =>
  Readable.from(framesOf(raw, chunkSize), { objectMode: false, highWaterMark: chunkSize });

async function* framesOf(raw: Readable, chunkSize: number): AsyncGenerator<Buffer> {
  const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let rest: Buffer | undefined;
  try {
    for (;;) {
      rest ??= (await chunks.next()).value;
      if (rest === undefined) return;
      const frame = createZstdDecompress({ chunkSize });
      const fed = feed(frame, rest, chunks);
      yield* frame as AsyncIterable<Buffer>;
      rest = await fed;
    }
  } finally {
    raw.destroy();
  }
}

/** Writes until the frame wants no more; answers with the bytes behind it, undefined at the end of the input. */
const feed = async (
  frame: ZstdDecompress,
  first: Buffer,
  chunks: AsyncIterator<Buffer, undefined>,
): Promise<Buffer | undefined> => {
  let given = 0;
  for (let chunk: Buffer | undefined = first; chunk !== undefined; ) {
    const some: Buffer = chunk;
    given += some.length;
    await new Promise<void>((resolve) => {
      // The reader of the frame tells the error, where there is one.
      frame.once('close', resolve);
      frame.write(some, () => {
        frame.off('close', resolve);
        resolve();
      });
    });
    if (frame.bytesWritten < given) return some.subarray(some.length - (given - frame.bytesWritten));
    if (frame.destroyed) return undefined;
    try {
      chunk = (await chunks.next()).value;
    } catch (error) {
      frame.destroy(error as Error);
      return undefined;
    }
  }
  frame.end();
  return undefined;
};
