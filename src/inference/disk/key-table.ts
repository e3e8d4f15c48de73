/** Where a record lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

const WORDS = 5;
const FIRST_SLOTS = 1024;

/**
 * Places of records by the first eight bytes of their keys. In a typed array, because a gigabyte of small results has
 * millions of them: some thirty bytes each, where a Map would take a hundred and more and hold up the collector.
 */
export class KeyTable {
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #used = 0;

  get(key: Buffer): Place | undefined {
    const at = this.#find(key.readUInt32LE(0), key.readUInt32LE(4));
    const segment = this.#words[at + 2]!;
    if (segment === 0) return undefined;
    return { segment, offset: this.#words[at + 3]!, length: this.#words[at + 4]! };
  }

  /**
   * @param place its segment is at least 1
   * @param lives false for segments that are gone: their places are forgotten when the table grows
   */
  set(key: Buffer, place: Place, lives: (segment: number) => boolean): void {
    if (this.#used >= this.#slots * 0.7) this.#rebuild(lives);
    this.#put(key.readUInt32LE(0), key.readUInt32LE(4), place.segment, place.offset, place.length);
  }

  #put(high: number, low: number, segment: number, offset: number, length: number): void {
    const at = this.#find(high, low);
    if (this.#words[at + 2] === 0) this.#used += 1;
    this.#words.set([high, low, segment, offset, length], at);
  }

  #find(high: number, low: number): number {
    const words = this.#words;
    for (let slot = high & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = slot * WORDS;
      if (words[at + 2] === 0 || (words[at] === high && words[at + 1] === low)) return at;
    }
  }

  #rebuild(lives: (segment: number) => boolean): void {
    const old = this.#words;
    let living = 0;
    for (let at = 2; at < old.length; at += WORDS) if (old[at] !== 0 && lives(old[at]!)) living += 1;
    while (living > this.#slots * 0.35) this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    this.#used = 0;
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 2] === 0 || !lives(old[at + 2]!)) continue;
      this.#put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!, old[at + 4]!);
    }
  }
}
