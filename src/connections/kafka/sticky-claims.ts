/** What a member had when it asks to join: the leader leaves it there where it can. */
export interface Claims {
  /** Of the group, when the partitions were given: of two members that claim one, the newer is right. */
  readonly generation: number;
  readonly partitions: ReadonlyMap<string, readonly number[]>;
}

export const NO_CLAIMS: Claims = { generation: -1, partitions: new Map() };

/** 'S' and a version, so that what another assigner wrote is not taken for claims. */
const MAGIC = Buffer.from([0x53, 0x01]);

/**
 * The broker keeps the claims of all members in one record of 1 MB by default. A partition takes about one byte; what
 * does not fit is not claimed, and may move.
 */
export const MAX_CLAIM_BYTES = 32 * 1024;

const HIGHEST_PARTITION = 0x7fffffff;

export const encodeClaims = ({ generation, partitions }: Claims): Buffer => {
  const out: number[] = [...MAGIC];
  write(out, Math.max(0, generation));
  for (const topic of [...partitions.keys()].sort()) {
    const name = Buffer.from(topic);
    const head: number[] = [];
    write(head, name.length);
    const gaps: number[] = [];
    let count = 0;
    let next = 0;
    for (const partition of [...partitions.get(topic)!].sort((a, b) => a - b)) {
      const before = gaps.length;
      write(gaps, partition - next);
      // Five bytes for the count, which is not known yet.
      if (out.length + head.length + name.length + 5 + gaps.length > MAX_CLAIM_BYTES) {
        gaps.length = before;
        break;
      }
      count += 1;
      next = partition + 1;
    }
    if (count === 0) continue;
    out.push(...head, ...name);
    write(out, count);
    for (const byte of gaps) out.push(byte);
  }
  return Buffer.from(out);
};

/** Whatever a member sent: what cannot be read claims nothing. */
export const decodeClaims = (data: Uint8Array | null | undefined): Claims => {
  if (data === null || data === undefined || data.length > MAX_CLAIM_BYTES) return NO_CLAIMS;
  const input = new Input(data);
  try {
    for (const byte of MAGIC) if (input.byte() !== byte) return NO_CLAIMS;
    const generation = input.number();
    const partitions = new Map<string, number[]>();
    while (!input.ended) {
      const topic = input.text(input.number());
      const list: number[] = [];
      let next = 0;
      for (let left = input.number(); left > 0; left -= 1) {
        const partition = next + input.number();
        if (partition > HIGHEST_PARTITION) return NO_CLAIMS;
        list.push(partition);
        next = partition + 1;
      }
      partitions.set(topic, list);
    }
    return { generation, partitions };
  } catch {
    return NO_CLAIMS;
  }
};

const write = (out: number[], value: number): void => {
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest % 128) + 0x80);
  out.push(rest);
};

class Input {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get ended(): boolean {
    return this.#at >= this.#data.length;
  }

  byte(): number {
    const byte = this.#data[this.#at];
    if (byte === undefined) throw new RangeError('cut off');
    this.#at += 1;
    return byte;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError('not a number');
  }

  text(length: number): string {
    if (this.#at + length > this.#data.length) throw new RangeError('cut off');
    this.#at += length;
    return Buffer.from(this.#data.subarray(this.#at - length, this.#at)).toString('utf8');
  }
}
