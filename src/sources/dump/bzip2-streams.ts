import { Readable } from 'node:stream';
import Bunzip from 'seek-bzip';

/** No block is longer: 900,000 symbols of 20 bits, and its tables. */
const BLOCK_BYTES = 2.5 * 1024 * 1024;

/**
 * Decompresses a row of bzip2 streams, as `cat a.bz2 b.bz2` and pbzip2 write them. The library works on what lies in
 * memory and asks for it byte by byte, so a block is begun only once all of it is there.
 */
export const unbzip2Streams = (raw: Readable, chunkSize: number): Readable =>
  Readable.from(unpack(raw, chunkSize), { objectMode: false, highWaterMark: chunkSize });

async function* unpack(raw: Readable, chunkSize: number): AsyncGenerator<Buffer> {
  const input = new Input();
  const output = new Output();
  const blocks = new Blocks(input, output);
  const some = function* () {
    const bytes = output.take();
    for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
  };
  try {
    for await (const chunk of raw) {
      input.push(chunk as Buffer);
      while (input.left >= BLOCK_BYTES) {
        blocks.next();
        yield* some();
      }
    }
    while (!blocks.atEnd || input.left > 0) {
      blocks.next();
      yield* some();
    }
  } finally {
    raw.destroy();
  }
}

class Blocks {
  readonly #input: Input;
  readonly #output: Output;
  #stream: Bunzip | undefined;

  constructor(input: Input, output: Output) {
    this.#input = input;
    this.#output = output;
  }

  /** Between two streams, where a file may end. */
  get atEnd(): boolean {
    return this.#stream === undefined;
  }

  next(): void {
    // Begins behind the last stream: whatever else stands there is not skipped.
    this.#stream ??= new Bunzip(this.#input, this.#output);
    if (this.#stream._init_block()) {
      this.#stream._read_bunzip();
      return;
    }
    const { reader, streamCRC } = this.#stream;
    if (reader.read(32) >>> 0 !== streamCRC) throw new Error('the checksum of a bzip2 stream is wrong');
    this.#stream = undefined;
  }
}

class Input {
  #chunks: Buffer[] = [];
  #at = 0;
  left = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.left += chunk.length;
  }

  readByte(): number {
    const first = this.#chunks[0];
    if (first === undefined) throw new Error('the bzip2 file is cut off: it ends within a block');
    const byte = first[this.#at]!;
    this.#at += 1;
    this.left -= 1;
    if (this.#at === first.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    return byte;
  }

  read(into: Uint8Array, offset: number, length: number): number {
    for (let at = 0; at < length; at += 1) into[offset + at] = this.readByte();
    return length;
  }
}

class Output {
  #buffer = Buffer.allocUnsafe(1024 * 1024);
  #length = 0;

  writeByte(byte: number): void {
    if (this.#length === this.#buffer.length) {
      // A block of equal bytes unfolds to some 46 MB.
      const larger = Buffer.allocUnsafe(2 * this.#length);
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    this.#buffer[this.#length] = byte;
    this.#length += 1;
  }

  take(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }
}
