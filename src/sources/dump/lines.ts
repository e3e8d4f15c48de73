/** A line of a dump without its line break. Positions count bytes of the decompressed text. */
export interface Line {
  readonly value: Buffer;
  readonly position: number;
  readonly next: number;
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** Cuts chunks of bytes into lines; a line longer than `maxBytes` is cut there, and its rest dropped. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #partial = 0;
  #start: number;
  #at: number;

  /** @param start where the first chunk lies */
  constructor(maxBytes: number, start = 0) {
    this.#maxBytes = maxBytes;
    this.#start = start;
    this.#at = start;
  }

  /** The lines that this chunk completes. Empty lines are left out. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, from);
      if (end < 0) break;
      this.#keep(chunk.subarray(from, end));
      this.#at += end + 1 - from;
      this.#close(lines);
      from = end + 1;
    }
    if (from < chunk.length) {
      this.#keep(chunk.subarray(from));
      this.#at += chunk.length - from;
    }
    return lines;
  }

  /** The last line, where the text does not end with a line break. */
  end(): Line[] {
    const lines: Line[] = [];
    this.#close(lines);
    return lines;
  }

  #keep(part: Buffer): void {
    const room = this.#maxBytes - this.#partial;
    if (room <= 0 || part.length === 0) return;
    const kept = part.length > room ? part.subarray(0, room) : part;
    this.#parts.push(kept);
    this.#partial += kept.length;
  }

  #close(lines: Line[]): void {
    const [first] = this.#parts;
    if (first !== undefined) {
      let value = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
      if (value.at(-1) === RETURN) value = value.subarray(0, -1);
      if (value.length > 0) lines.push({ value, position: this.#start, next: this.#at });
    }
    this.#parts = [];
    this.#partial = 0;
    this.#start = this.#at;
  }
}
