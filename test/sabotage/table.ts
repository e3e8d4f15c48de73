/** A change of the engine that must not go unnoticed. */
export interface Sabotage {
  /** File below src/. */
  readonly file: string;
  /** Occurs there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** What each does to those who trust the engine. */
export const SABOTAGE: Readonly<Record<string, Sabotage>> = {
  /** Positions are committed although documents below them have not ended. */
  'commit-past-gap': {
    file: 'runtime/watermark.ts',
    find: 'while (this.#entries.first?.settled) {',
    replace: 'while (this.#entries.first !== undefined) {',
  },
  /** What the cluster had no room for counts as delivered. */
  'drop-429': {
    file: 'runtime/writer.ts',
    find: "if (result.outcome === 'delivered') this.#end(",
    replace: "if (result.outcome === 'delivered' || result.outcome === 'retry') this.#end(",
  },
  /** A delivered document ends twice. */
  'double-settle': {
    file: 'runtime/stream.ts',
    find: 'this.counters.settle(outcome, delivery.arrived',
    replace:
      'if (outcome === "delivered") this.#forget(delivery);\n      this.counters.settle(outcome, delivery.arrived',
  },
  /** A partition that another member has by now is written and committed as before. */
  'ignore-revoke': {
    file: 'runtime/stream.ts',
    find: 'partition.revoked = true;\n    this.#partitions.delete(name);\n    this.#committer.forget(partition);',
    replace: 'this.#partitions.delete(name);',
  },
  /** A failed document ends without being kept anywhere. */
  'lose-dead-letter': {
    file: 'runtime/dead-letters.ts',
    find: 'this.#writer.add(write(bytesKept(sink.maxItemBytes)));',
    replace: 'this.#options.kept(delivery, failed);',
  },
  /** Two versions of one id are written at the same time. */
  'reorder-id': {
    file: 'runtime/lanes.ts',
    find: 'if (waiting === undefined) {',
    replace: 'if (waiting !== null) {',
  },
  /** What a document held is not given back. */
  'leak-budget': {
    file: 'runtime/stream.ts',
    find: 'delivery.partition.budget.give(delivery.bytes);',
    replace: '',
  },
};
