import { ByteBudget } from '../core/byte-budget.ts';
import { sleep } from '../core/clock.ts';
import type { Outcome, SourcePort, SourceRecord, WriteFault, WriteItem } from '../core/contracts.ts';
import { messageOf, ProcessorError, SluiceError } from '../core/errors.ts';
import type { IngestFailure } from '../pipeline/failure.ts';
import { Committer } from './committer.ts';
import { DeadLetterRatio } from './dead-letter-ratio.ts';
import { DeadLetters } from './dead-letters.ts';
import { Delivery, placeOf } from './delivery.ts';
import { Intake, type IntakeResult, type PipelineRunner } from './intake.ts';
import { enterGate, PartitionState, passGate } from './partition.ts';
import { StreamCounters } from './stream-counters.ts';
import type { StreamOptions } from './stream-options.ts';
import { type Write, Writer } from './writer.ts';

/** A document on its way to the sink. */
class StreamWrite implements Write {
  readonly delivery: Delivery;
  readonly item: WriteItem;
  readonly bytes: number;

  constructor(delivery: Delivery, item: WriteItem) {
    this.delivery = delivery;
    this.item = item;
    this.bytes = item.bytes;
  }

  get cancelled(): boolean {
    return this.delivery.partition.revoked;
  }
}

/**
 * One stream: source → decode → processors → sink, with every document followed to its end and positions committed
 * only over contiguous runs of settled documents.
 */
export class Stream {
  readonly name: string;
  readonly counters = new StreamCounters();
  readonly #options: StreamOptions;
  readonly #budget: ByteBudget;
  readonly #partitions = new Map<string, PartitionState>();
  readonly #intake: Intake;
  readonly #writer: Writer<StreamWrite>;
  readonly #deadLetters: DeadLetters;
  readonly #committer: Committer;
  readonly #ratio: DeadLetterRatio;
  /** So many bytes of a partition may have been in flight where it was read before, and are delivered perhaps. */
  readonly #redeliveries: number;
  readonly #abort = new AbortController();
  readonly #finished: Promise<void>;
  #resolve!: () => void;
  #error: Error | undefined;
  #started = false;
  #ended = false;
  #stopping = false;
  #paused = false;
  /** Documents were read and let go of. */
  #abandoned = false;
  #inFlight = 0;
  #blocked: WriteFault | undefined;
  #sourceTrouble: WriteFault | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.name = options.name;
    const { clock, random, sink, deadLetter, limits, tracing } = options;
    this.#budget = new ByteBudget(limits.in_flight_bytes, options.processBudget);
    this.#redeliveries = 2 * limits.in_flight_bytes;
    this.#ratio = new DeadLetterRatio(limits.dead_letter_ratio);
    this.#finished = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#intake = new Intake({
      clock,
      codec: options.codec,
      pipeline: options.pipeline,
      tombstones: options.tombstones,
      finished: (delivery, result) => this.#processed(delivery, result),
      room: () => this.#writer.roomy,
      idle: () => this.#flushWhenStarved(),
      broken: (error) => this.#fail(error),
    });
    const shared = { clock, random, signal: this.#abort.signal };
    const events = {
      blocked: (fault: WriteFault | undefined) => this.#setBlocked(fault),
      retried: (count: number, fault: WriteFault) => this.counters.retry(count, fault.type),
      broken: (error: unknown) => this.#fail(error),
    };
    this.#writer = new Writer<StreamWrite>({
      ...shared,
      sink,
      breaker: options.breakers.of(sink),
      holds: options.source.holds?.bind(options.source),
      trace:
        tracing &&
        ((batch) =>
          tracing.request(
            options.name,
            sink.type,
            batch.map(({ delivery }) => delivery.trace),
          )),
      events: {
        ...events,
        roomy: () => this.#intake.wake(),
        requested: (documents, ms) => this.counters.request(documents, ms),
        cancelled: ({ delivery }) => this.#settle(delivery, undefined),
        delivered: ({ delivery }, duplicate) => {
          this.#ratio.written(false);
          this.#settle(delivery, duplicate ? 'duplicate' : 'delivered');
        },
        refused: ({ delivery }, fault) => {
          this.#ratio.written(true);
          this.#deadLetter(delivery, fault);
        },
      },
    });
    this.#deadLetters = new DeadLetters({
      ...shared,
      breakers: options.breakers,
      sink: deadLetter,
      stream: options.name,
      events,
      warn: (message, fields) => options.log.warn(message, fields),
      kept: (delivery, failed) => this.#settle(delivery, 'dead_lettered', failed),
      failed: (error) => this.#fail(error),
    });
    this.#committer = new Committer({
      clock,
      interval: limits.commit_interval_ms,
      commit: (positions) => options.source.commit(positions),
      failed: (error) =>
        options.log.warn('positions could not be committed; they will be tried again', { error: messageOf(error) }),
    });
  }

  /** Opens the sinks, then begins to read. Rejects with a SluiceError when any of them cannot start. */
  async start(): Promise<void> {
    const { sink, deadLetter, source } = this.#options;
    // A stop may come at any moment of a start that takes its time: nothing more is opened then.
    for (const open of [() => sink.open(), () => deadLetter?.open(), () => source.start(this.#port())]) {
      if (this.#stopping) return;
      await open();
    }
    this.#started = true;
    this.#options.log.info('stream started', { stream: this.name });
  }

  /** Resolves when the stream has ended: by itself, by `stop`, or with the error that ended it. */
  async done(): Promise<void> {
    await this.#finished;
    if (this.#error !== undefined) throw this.#error;
  }

  /** Stops reading, finishes what is in flight, commits, closes. */
  async stop(): Promise<void> {
    if (this.#stopping) return this.#finished;
    this.#stopping = true;
    const patience = new AbortController();
    const drained = this.#drain().then(() => patience.abort());
    await Promise.race([
      drained,
      sleep(this.#options.clock, this.#options.limits.shutdown_timeout_ms, patience.signal).catch(() => {}),
    ]);
    if (this.#inFlight > 0) {
      this.#options.log.warn('stopped with documents in flight: they were not committed and come again', {
        documents: this.#inFlight,
      });
      this.#abandoned = true;
      this.#finish();
    }
    return this.#finished;
  }

  async #drain(): Promise<void> {
    await this.#options.source.stop();
    for (const delivery of this.#intake.discard()) {
      this.#abandoned = true;
      delivery.trace?.end(undefined);
      this.#forget(delivery);
    }
    this.#flush();
    this.#checkEnd();
    return this.#finished;
  }

  /** True where a source that has an end was not read to it, or not all that was read was settled. */
  get endedEarly(): boolean {
    return this.#options.finite && (!this.#ended || this.#abandoned);
  }

  /** What keeps the stream from delivering, if anything does. */
  get trouble(): WriteFault | undefined {
    if (!this.#started && this.#error === undefined) return { type: 'starting', reason: 'the stream is starting' };
    if (this.#error !== undefined) return { type: 'stopped', reason: this.#error.message };
    return this.#blocked ?? this.#sourceTrouble;
  }

  /** Runs documents through another pipeline from now on, once those inside the old one have left it. */
  replacePipeline(pipeline: PipelineRunner): Promise<void> {
    return this.#intake.replacePipeline(pipeline);
  }

  /** What the destination is given at once. */
  get delivery(): { bulk_concurrency: number; bulk_documents: number; bulk_bytes: number; breaker_open: number } {
    const { congestion, breaker } = this.#writer;
    return {
      bulk_concurrency: congestion.inFlight,
      bulk_documents: congestion.max_documents,
      bulk_bytes: congestion.max_bytes,
      breaker_open: breaker.state === 'closed' ? 0 : 1,
    };
  }

  /** Seconds since the oldest document arrived that has not ended, by partition. */
  get watermarkAges(): Readonly<Record<string, number>> {
    const now = this.#options.clock.monotonic();
    const ages: Record<string, number> = {};
    for (const [name, { watermark }] of this.#partitions) {
      const { oldest } = watermark;
      ages[name] = oldest === undefined ? 0 : (now - oldest.arrived) / 1000;
    }
    return ages;
  }

  /** Records behind the end of each partition that were not read yet; empty where the source does not know. */
  get lags(): Readonly<Record<string, number>> {
    return this.#options.source.lags?.() ?? {};
  }

  /** Documents that wait for the pipeline, and those inside it. */
  get intake(): { queued: number; active: number } {
    return { queued: this.#intake.queued, active: this.#intake.active };
  }

  get inFlight(): { documents: number; bytes: number } {
    return { documents: this.#inFlight, bytes: this.#budget.used };
  }

  #port(): SourcePort {
    const budget = this.#budget;
    return {
      assigned: (name) => this.#assigned(name),
      revoked: (name) => this.#revoked(name),
      deliver: (name, records) => this.#deliver(name, records),
      get full() {
        return budget.full;
      },
      room: () => new Promise((resolve) => budget.whenRoom(resolve)),
      ended: () => {
        this.#ended = true;
        this.#flush();
        this.#checkEnd();
      },
      failed: (error) => this.#fail(error),
      trouble: (fault) => {
        this.#sourceTrouble = fault;
      },
    };
  }

  #assigned(name: string): bigint | undefined {
    const known = this.#partitions.get(name);
    if (known !== undefined) return known.expected;
    this.#partitions.set(name, new PartitionState(name, this.#budget));
    return undefined;
  }

  #revoked(name: string): void {
    const partition = this.#partitions.get(name);
    if (partition === undefined) return;
    partition.revoked = true;
    this.#partitions.delete(name);
    this.#committer.forget(partition);
  }

  #deliver(name: string, records: readonly SourceRecord[]): void {
    const partition = this.#partitions.get(name);
    // A fetch that was under way when the partition went away; or one that a graceful stop no longer wants.
    if (partition === undefined || this.#stopping || this.#error !== undefined) return;
    const { tracing } = this.#options;
    const now = this.#options.clock.monotonic();
    for (const record of records) {
      if (partition.expected !== undefined && record.position < partition.expected) continue;
      partition.expected = record.next;
      const delivery = new Delivery(record, partition, now);
      if (tracing !== undefined) delivery.trace = tracing.document(this.name, name, record);
      delivery.mayBeThere = partition.read < this.#redeliveries;
      partition.read += record.bytes;
      partition.budget.take(record.bytes);
      this.#inFlight += 1;
      this.counters.read(record.bytes, now);
      partition.watermark.track(delivery);
      if (this.#options.ordered) enterGate(delivery);
      this.#intake.push(delivery);
    }
    this.#pauseWhenFull(partition);
  }

  #pauseWhenFull(partition: PartitionState): void {
    const { source } = this.#options;
    const goesOn = () => !this.#stopping && this.#error === undefined;
    if (this.#budget.full && !this.#paused) {
      this.#paused = true;
      source.pause();
      this.#budget.whenRoom(() => {
        this.#paused = false;
        if (goesOn()) source.resume();
      });
    }
    if (source.pausePartition === undefined || partition.paused || !partition.budget.full) return;
    partition.paused = true;
    source.pausePartition(partition.name);
    partition.budget.whenRoom(() => {
      partition.paused = false;
      if (goesOn() && !partition.revoked) source.resumePartition!(partition.name);
    });
  }

  #processed(delivery: Delivery, result: IntakeResult): void {
    if (delivery.partition.revoked) return this.#leavePipeline(delivery, () => this.#settle(delivery, undefined));
    if (result.outcome === 'dropped') {
      this.#ratio.processed(false);
      return this.#leavePipeline(delivery, () => this.#settle(delivery, 'filtered'));
    }
    if (result.outcome === 'done') {
      try {
        delivery.item = this.#options.sink.prepare(delivery.document!, delivery.record, delivery.mayBeThere);
      } catch (error) {
        if (!(error instanceof ProcessorError)) return this.#fail(error);
        this.#ratio.processed(true);
        return this.#leavePipeline(delivery, () =>
          this.#deadLetter(delivery, { type: error.type, reason: error.message }),
        );
      }
      this.#ratio.processed(false);
      return this.#leavePipeline(delivery, () => this.#write(delivery));
    }
    this.#ratio.processed(true);
    const failure = result.outcome === 'failed' ? result.failure : undefined;
    const fault = {
      type: failure?.type ?? (result.outcome === 'undecodable' ? typeOf(result.error) : 'exception'),
      reason: result.outcome === 'undecodable' ? result.error.message : failure!.message,
    };
    this.#leavePipeline(delivery, () => this.#deadLetter(delivery, fault, failure));
  }

  readonly #afterGate = new Map<Delivery, () => void>();

  #leavePipeline(delivery: Delivery, then: () => void): void {
    if (!this.#options.ordered) return then();
    this.#afterGate.set(delivery, then);
    passGate(delivery, (released) => {
      const go = this.#afterGate.get(released);
      this.#afterGate.delete(released);
      go?.();
    });
  }

  #write(delivery: Delivery): void {
    this.#writer.add(new StreamWrite(delivery, delivery.item!));
  }

  #deadLetter(delivery: Delivery, fault: WriteFault, failure?: IngestFailure): void {
    if (delivery.partition.revoked) return this.#settle(delivery, undefined);
    this.#deadLetters.add(delivery, fault, failure);
  }

  /**
   * The end of one document; without an outcome it was only let go of, and its position does not move.
   * @param failed what failed, of a dead letter
   */
  #settle(delivery: Delivery, outcome: Outcome | undefined, failed?: string): void {
    if (outcome !== undefined) {
      this.counters.settle(outcome, delivery.arrived, this.#options.clock.monotonic());
      const { partition } = delivery;
      if (partition.watermark.settle(delivery) && !partition.revoked) this.#committer.moved(partition);
    }
    delivery.trace?.end(outcome);
    this.#forget(delivery);
    // Only now that the dead letters can be looked at, and before the end is looked for.
    if (outcome === 'dead_lettered' && this.#ratio.exceeded) this.#failOverRatio(delivery, failed!);
    this.#checkEnd();
  }

  #failOverRatio(delivery: Delivery, failed: string): void {
    this.#fail(
      new SluiceError(
        'SLUICE_DEAD_LETTER_RATIO',
        `more than ${this.#options.limits.dead_letter_ratio * 100} % of the last 1,000 documents failed, the last one with ${failed}`,
        {
          place: placeOf(delivery),
          hint: 'Look at the dead letters, correct the pipeline or the mapping, and start again. limits.dead_letter_ratio sets the share that is allowed.',
        },
      ),
    );
  }

  #forget(delivery: Delivery): void {
    this.#inFlight -= 1;
    delivery.partition.budget.give(delivery.bytes);
    delivery.document = undefined;
    delivery.item = undefined;
  }

  /** Where nothing more can come until something is settled, waiting for a fuller batch would only cost time. */
  #flushWhenStarved(): void {
    if (this.#intake.queued > 0 || this.#intake.active > 0) return;
    if (this.#budget.full || this.#ended || this.#stopping) this.#flush();
  }

  #flush(): void {
    this.#writer.flush();
    this.#deadLetters.flush();
  }

  #setBlocked(fault: WriteFault | undefined): void {
    if (fault !== undefined && this.#blocked?.type !== fault.type) {
      this.#options.log.error('the destination takes no documents; nothing is lost, the stream waits for it', {
        type: fault.type,
        reason: fault.reason,
      });
    } else if (fault === undefined) this.#options.log.info('the destination takes documents again');
    this.#blocked = fault;
  }

  #checkEnd(): void {
    if (this.#inFlight === 0 && (this.#ended || this.#stopping)) this.#finish();
    else if (this.#ended || this.#stopping) this.#flushWhenStarved();
  }

  #fail(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error instanceof Error ? error : new Error(messageOf(error));
    this.#options.log.error('the stream stops', { stream: this.name, error: this.#error.message });
    this.#finish();
  }

  #finishing = false;
  #finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    void this.#close().then(
      () => this.#resolve(),
      (error: unknown) => {
        this.#error ??= error as Error;
        this.#resolve();
      },
    );
  }

  async #close(): Promise<void> {
    const { source, codec, sink, deadLetter } = this.#options;
    const failed: unknown[] = [];
    const attempt = async (work: () => Promise<void> | undefined) => {
      try {
        await work();
      } catch (error) {
        failed.push(error);
      }
    };
    await attempt(() => source.stop());
    this.#abort.abort(new SluiceError('SLUICE_INTERNAL', 'the stream is stopping'));
    await attempt(() => sink.close(this.#error === undefined && !this.endedEarly));
    await attempt(() => deadLetter?.close(this.#error === undefined));
    // After the sinks: a file counts as written only once it is closed.
    await attempt(() => this.#committer.close());
    await attempt(() => source.close());
    await attempt(async () => codec.close?.());
    if (failed.length > 0 && this.#error === undefined) throw failed[0];
  }
}

const typeOf = (error: Error): string => (error instanceof ProcessorError ? error.type : 'parse_exception');
