/** Chunks of bytes, taken from the front in pieces of any size; they are joined only when a piece spans several. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The first bytes, or all where there are fewer. */
  peek(length = this.#length): Buffer {
    const wanted = Math.min(length, this.#length);
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length < wanted) {
      // Joined for good, so that looking again costs nothing.
      let joined = 0;
      let count = 0;
      while (joined < wanted) joined += this.#chunks[count++]!.length;
      this.#chunks.splice(0, count, Buffer.concat(this.#chunks.slice(0, count)));
    }
    return this.#chunks[0]!.subarray(0, wanted);
  }

  take(length: number): Buffer {
    const bytes = this.peek(length);
    this.drop(length);
    return bytes;
  }

  drop(length: number): void {
    this.peek(length);
    const rest = this.#chunks[0]!.subarray(length);
    if (rest.length === 0) this.#chunks.shift();
    else this.#chunks[0] = rest;
    this.#length -= length;
  }
}
