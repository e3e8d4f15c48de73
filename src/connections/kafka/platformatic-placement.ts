import { setTimeout as delay } from 'node:timers/promises';
import { type Consumer, ListOffsetTimestamps } from '@platformatic/kafka';
import { messageOf } from '../../core/errors.ts';
import type { ConsumerSettings, TopicPartition } from './client.ts';
import { nameOf } from './partition-name.ts';
import { plainError } from './platformatic-errors.ts';

const AGAIN_MS = 2000;
const NEVER_COMMITTED = -1n;

export interface PlacementEvents {
  /** The offset at which it begins. */
  placed(partition: TopicPartition, offset: bigint): void;
  log(level: 'warn', message: string, fields?: object): void;
}

/** Finds out where partitions begin: at the committed offset, or where the settings say. */
export class Placement {
  readonly #member: Consumer;
  readonly #start: ConsumerSettings['start'];
  readonly #events: PlacementEvents;
  /** Partitions whose offset to begin at is not known yet. */
  readonly #unplaced = new Map<string, TopicPartition>();
  #busy = false;
  #stopped = false;

  constructor(member: Consumer, start: ConsumerSettings['start'], events: PlacementEvents) {
    this.#member = member;
    this.#start = start;
    this.#events = events;
  }

  add(partition: TopicPartition): void {
    this.#unplaced.set(nameOf(partition), partition);
  }

  remove(partition: TopicPartition): void {
    this.#unplaced.delete(nameOf(partition));
  }

  stop(): void {
    this.#stopped = true;
  }

  async place(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#unplaced.size > 0 && !this.#stopped) {
      try {
        for (const topic of new Set([...this.#unplaced.values()].map((partition) => partition.topic)))
          await this.#placeTopic(topic);
      } catch (error) {
        if (this.#stopped) break;
        this.#events.log('warn', 'the offsets to start at could not be found yet', {
          error: messageOf(plainError(error)),
        });
        await delay(AGAIN_MS, undefined, { ref: false });
      }
    }
    this.#busy = false;
  }

  async #placeTopic(topic: string): Promise<void> {
    const wanted = [...this.#unplaced.values()].filter((partition) => partition.topic === topic);
    const partitions = wanted.map(({ partition }) => partition);
    const generation = this.#member.generationId;
    const committed = (await this.#member.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? [];
    const never = partitions.filter((partition) => (committed[partition] ?? NEVER_COMMITTED) === NEVER_COMMITTED);
    const begin = never.length === 0 ? [] : await this.#beginnings(topic, never);
    // Another member may have had it in between, and committed.
    if (generation !== this.#member.generationId) return;
    for (const partition of wanted) {
      const kept = committed[partition.partition] ?? NEVER_COMMITTED;
      const offset = kept === NEVER_COMMITTED ? begin[partition.partition] : kept;
      // The same object: it was not revoked in between.
      if (offset === undefined || this.#unplaced.get(nameOf(partition)) !== partition) continue;
      this.#unplaced.delete(nameOf(partition));
      this.#events.placed(partition, offset);
    }
  }

  async #beginnings(topic: string, partitions: number[]): Promise<bigint[]> {
    const at = async (timestamp: bigint): Promise<bigint[]> =>
      (await this.#offsetsAt(topic, partitions, timestamp)) ?? [];
    if (this.#start === 'earliest') return at(ListOffsetTimestamps.EARLIEST);
    if (this.#start === 'latest') return at(ListOffsetTimestamps.LATEST);
    const found = await at(BigInt(this.#start));
    const none = partitions.filter((partition) => found[partition] === -1n);
    if (none.length === 0) return found;
    // No record is as late: begin at the end.
    const ends = (await this.#offsetsAt(topic, none, ListOffsetTimestamps.LATEST)) ?? [];
    for (const partition of none) found[partition] = ends[partition]!;
    return found;
  }

  async #offsetsAt(topic: string, partitions: number[], timestamp: bigint): Promise<bigint[] | undefined> {
    const offsets = await this.#member.listOffsets({ topics: [topic], partitions: { [topic]: partitions }, timestamp });
    return offsets.get(topic);
  }
}
