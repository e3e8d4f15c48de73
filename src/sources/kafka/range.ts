import { randomBytes } from 'node:crypto';
import type { KafkaClient } from '../../connections/kafka/client.ts';
import { type OffsetAt, topicOffsets } from '../../connections/kafka/topic-offsets.ts';
import type { Clock } from '../../core/clock.ts';
import type { Source, SourcePort, SourceRecord } from '../../core/contracts.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { type Known, PositionsFile } from '../positions-file.ts';
import { type KafkaSourceOptions, topicPattern } from './options.ts';
import { KafkaSource } from './source.ts';

export interface KafkaRangeParts {
  readonly options: KafkaSourceOptions;
  readonly client: (options: KafkaSourceOptions) => KafkaClient;
  readonly stream: string;
  readonly budget: number;
  readonly clock: Clock;
  readonly resume: boolean;
  readonly log: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
}

interface Span {
  next: bigint;
  readonly end: bigint;
}

/**
 * At the end of a transactional or compacted topic there are offsets without a record, which no consumer is told of.
 * What does not come for so long, while the consumer is well and may fetch, is not there.
 */
const NOTHING_LEFT_MS = 30_000;
const LOOK_MS = 1000;

/** A part of a topic, by offsets or times, read once and beside the live group, whose offsets it leaves alone. */
export class KafkaRangeSource implements Source {
  readonly type = 'kafka';
  readonly #parts: KafkaRangeParts;
  readonly #inner: KafkaSource;
  readonly #spans = new Map<string, Span>();
  readonly #positions: PositionsFile | undefined;
  #port!: SourcePort;
  #ended = false;
  #paused = false;
  #pausedAlone = new Set<string>();
  #trouble = false;
  #last = 0;
  #cancel: (() => void) | undefined;

  constructor(parts: KafkaRangeParts) {
    this.#parts = parts;
    const { options, client, budget, log, stream } = parts;
    // A group of its own, in which nothing is committed.
    const own = { ...options, group_id: `${options.group_id}-range-${randomBytes(4).toString('hex')}` };
    this.#inner = new KafkaSource({ options: own, client: client(own), budget, log });
    const { start, end, checkpoint } = options.range!;
    if (checkpoint !== undefined)
      this.#positions = new PositionsFile(checkpoint, {
        stream,
        source: `${[options.topics].flat().join()} ${start}..${end ?? ''}`,
      });
  }

  async start(port: SourcePort): Promise<void> {
    this.#port = port;
    const { resume, clock } = this.#parts;
    if (resume && this.#positions === undefined)
      throw new SluiceError('SLUICE_CHECKPOINT', '--resume needs a checkpoint');
    const known = resume ? this.#positions!.read() : new Map<string, Known>();
    await this.#measure(known);
    if (!resume) await this.#positions?.write(new Map());
    if (this.#complete) return this.#end();
    await this.#inner.start({
      // Nobody else reads this range: what comes back after a rejoin goes on where it was.
      assigned: (name) => port.assigned(name) ?? this.#spans.get(name)?.next,
      revoked: () => {},
      deliver: (name, records) => this.#deliver(name, records),
      get full() {
        return port.full;
      },
      room: () => port.room(),
      ended: () => {},
      failed: (error) => port.failed(error),
      trouble: (fault) => {
        this.#trouble = fault !== undefined;
        this.#last = clock.monotonic();
        port.trouble(fault);
      },
    });
    this.#last = clock.monotonic();
    this.#look();
  }

  async #measure(known: ReadonlyMap<string, Known>): Promise<void> {
    const { options } = this.#parts;
    const { start, end = 'latest' } = options.range!;
    for (const topic of [options.topics].flat()) {
      if (typeof topicPattern(topic) !== 'string')
        throw new SluiceError('SLUICE_USAGE', `a range is read of topics, not of the pattern [${topic}]`);
      let starts: ReadonlyMap<number, bigint>;
      let ends: ReadonlyMap<number, bigint>;
      let lows: ReadonlyMap<number, bigint>;
      let highs: ReadonlyMap<number, bigint>;
      try {
        [starts, ends, lows, highs] = (await topicOffsets(options, topic, [
          placeOf(start) ?? 'earliest',
          placeOf(end) ?? 'latest',
          'earliest',
          'latest',
        ])) as [typeof starts, typeof starts, typeof starts, typeof starts];
      } catch (error) {
        if (error instanceof SluiceError) throw error;
        throw new SluiceError('SLUICE_SOURCE_FAILED', `the offsets of [${topic}] cannot be found: ${messageOf(error)}`);
      }
      for (const [partition, low] of lows) {
        const name = `${topic}-${partition}`;
        const high = highs.get(partition)!;
        const bounded = (offset: bigint) => (offset < low ? low : offset > high ? high : offset);
        const resumed = known.get(name);
        // The end of the run that began holds for the one that goes on.
        const to = resumed?.end ?? bounded(offsetOf(end) ?? ends.get(partition)!);
        const from = resumed?.position ?? bounded(offsetOf(start) ?? starts.get(partition)!);
        this.#positions?.begin(name, { position: from, end: to });
        this.#spans.set(name, { next: from, end: to });
      }
    }
  }

  #deliver(name: string, records: readonly SourceRecord[]): void {
    const span = this.#spans.get(name);
    if (span === undefined || this.#ended) return;
    this.#last = this.#parts.clock.monotonic();
    const wanted = records.filter(({ position }) => position >= span.next && position < span.end);
    span.next = records.at(-1)!.next > span.next ? records.at(-1)!.next : span.next;
    if (wanted.length > 0) this.#port.deliver(name, wanted);
    if (span.next >= span.end) this.#inner.pausePartition(name);
    if (this.#complete) this.#end();
  }

  get #complete(): boolean {
    return [...this.#spans.values()].every(({ next, end }) => next >= end);
  }

  #look(): void {
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => {
      const now = this.#parts.clock.monotonic();
      const waits = this.#paused || this.#trouble || this.#pausedAlone.size > 0;
      if (waits) this.#last = now;
      if (now - this.#last < NOTHING_LEFT_MS) return this.#look();
      for (const [partition, { next, end }] of this.#spans)
        if (next < end)
          this.#parts.log.warn(
            'no record came for the last offsets of a range: markers of transactions or compaction, or none at all',
            { partition, from: Number(next), to: Number(end) },
          );
      this.#end();
    });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancel?.();
    this.#inner.pause();
    this.#port.ended();
  }

  pause(): void {
    this.#paused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#ended) this.#inner.resume();
  }

  pausePartition(name: string): void {
    this.#pausedAlone.add(name);
    this.#inner.pausePartition(name);
  }

  resumePartition(name: string): void {
    this.#pausedAlone.delete(name);
    const span = this.#spans.get(name);
    if (span !== undefined && span.next < span.end) this.#inner.resumePartition(name);
  }

  async commit(positions: ReadonlyMap<string, bigint>): Promise<void> {
    await this.#positions?.write(positions);
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#inner.stop();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** A time, or an end of the partition; undefined for an offset. */
const placeOf = (text: string | number): OffsetAt | undefined => {
  if (text === 'earliest' || text === 'latest') return text;
  return offsetOf(text) === undefined ? Date.parse(String(text)) : undefined;
};

const offsetOf = (text: string | number): bigint | undefined => (/^\d+$/.test(String(text)) ? BigInt(text) : undefined);
