import type { IngestDocument, Origin } from './document.ts';
import type { JsonObject, PlainObject } from './json/values.ts';

/** One record as a source read it. */
export interface SourceRecord {
  /** Offset in its partition, or position in its dump: rises within a partition. */
  readonly position: bigint;
  /** Where reading goes on once this record and all before it are settled. */
  readonly next: bigint;
  /** What it costs in the byte budget. */
  readonly bytes: number;
  /** Null for a tombstone. */
  readonly value: Uint8Array | null;
  readonly key: Uint8Array | null;
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
  /** Milliseconds since 1970, where the source knows. */
  readonly timestamp: number | undefined;
  /** The `_id` of a document that names none: the same record always gives the same one. */
  defaultId(): string;
  /** For the `_kafka`, `_file` or `_elasticsearch` fields. */
  origin(): Origin;
  /** Where the record itself says how it is encoded (a file that holds its schema): in place of the stream's codec. */
  readonly codec?: Codec;
}

/** What the engine gives a source. A partition is a topic-partition or a file: the unit of order and commits. */
export interface SourcePort {
  /**
   * A partition is now read by this process. For one that is still in flight here (a rejoin of the same member) the
   * answer is the position from which records are new; the engine skips what lies below it.
   */
  assigned(partition: string): bigint | undefined;
  /** Another member may own it by now: its documents are no longer written and never committed. */
  revoked(partition: string): void;
  /** Hands records over, in order. Never waits: the byte budget may be overshot by what was already fetched. */
  deliver(partition: string, records: readonly SourceRecord[]): void;
  /** True while the byte budget has no room. */
  readonly full: boolean;
  /** Resolves as soon as there is room. */
  room(): Promise<void>;
  /** A finite source has delivered everything. */
  ended(): void;
  /** Reading failed for good. */
  failed(error: Error): void;
  /** Nothing can be read for now, and the source goes on trying; undefined once it reads again. */
  trouble(fault: WriteFault | undefined): void;
}

export interface Source {
  readonly type: string;
  /** Connects and begins to deliver. Rejects when it cannot, within its connect_timeout. */
  start(port: SourcePort): Promise<void>;
  /** Stops fetching for lack of room; what was fetched already may still arrive. */
  pause(): void;
  /** Goes on, but for partitions that are paused by themselves. */
  resume(): void;
  /** As `pause`, for one partition. Absent where partitions are read one after another. */
  pausePartition?(partition: string): void;
  resumePartition?(partition: string): void;
  /**
   * False while it is not certain that what was read still belongs to this process (a member that was stopped for longer
   * than its session): nothing is written then. Absent where nobody else reads it.
   */
  holds?(): boolean;
  /** Records between what was read and the end of each partition. Absent where nobody knows. */
  lags?(): Readonly<Record<string, number>>;
  /** Keeps the positions up to which everything is settled. Rejects when they could not be kept: it is called again. */
  commit(positions: ReadonlyMap<string, bigint>): Promise<void>;
  /** No more deliveries after this resolves; commits are still possible. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface Decoded {
  readonly source: JsonObject;
  /** The value's own bytes, where they may stand as one line of a bulk body. */
  readonly raw: Uint8Array | undefined;
}

export interface Codec {
  readonly type: string;
  /** Of a record's own codec, all that is needed to build it again: dead letters keep it, as the file may be gone. */
  readonly description?: PlainObject;
  /**
   * A promise only where something has to be fetched first (a schema). What is not the record's own fault is retried
   * behind it. Throws or rejects with a ProcessorError for a value that cannot be decoded.
   */
  decode(value: Uint8Array, headers: SourceRecord['headers']): Decoded | Promise<Decoded>;
  /** No more documents are wanted: what is still pending may stay so. */
  close?(): void;
}

/** One document as a sink writes it. */
export interface WriteItem {
  /** At most one write with the same key is in flight, in source order; undefined where no other document can have it. */
  readonly key: string | undefined;
  /** What it takes in a request. */
  readonly bytes: number;
}

export interface WriteFault {
  /** Elasticsearch's exception name, or a code like it. */
  readonly type: string;
  readonly reason: string;
  readonly status?: number;
}

/** What a sink answers for one item. Whose fault decides what happens next. */
export type ItemResult =
  | { readonly outcome: 'delivered'; readonly duplicate?: boolean }
  /** Passing trouble (429, 5xx): this item is sent again. */
  | { readonly outcome: 'retry'; readonly fault: WriteFault }
  /** The document's own fault (mapping, parsing): dead letter. */
  | { readonly outcome: 'document'; readonly fault: WriteFault }
  /** The destination's fault (security, block, missing index): the stream waits until it is mended. */
  | { readonly outcome: 'destination'; readonly fault: WriteFault };

/** A request that failed as a whole. */
export class RequestError extends Error {
  override name = 'RequestError';
  /** `split`: something in it is too large or unreadable, so the request is halved, down to a single document. */
  readonly kind: 'retry' | 'destination' | 'split';
  readonly fault: WriteFault;
  constructor(kind: RequestError['kind'], fault: WriteFault, options?: ErrorOptions) {
    super(`${fault.type}: ${fault.reason}`, options);
    this.kind = kind;
    this.fault = fault;
  }
}

export interface WriteLimits {
  readonly max_documents: number;
  readonly max_bytes: number;
  readonly max_age_ms: number;
  readonly max_in_flight: number;
  /** Requests that take longer are made smaller; absent where it does not matter. */
  readonly target_latency_ms?: number;
}

export interface Sink<T extends WriteItem = WriteItem> {
  readonly type: string;
  /** What answers or does not, as a whole; the same name for the same servers. Absent where nothing is shared. */
  readonly destination?: string;
  readonly limits: WriteLimits;
  /** The largest item that the destination takes as it is usually set up; absent where any size goes. */
  readonly maxItemBytes?: number;
  /** Connects, checks and prepares the destination. Rejects with a SluiceError that stops the start. */
  open(): Promise<void>;
  /**
   * @param mayBeThere true where an earlier process may have delivered this record already
   * @throws ProcessorError when this document cannot be written at all
   */
  prepare(document: IngestDocument, record: SourceRecord, mayBeThere?: boolean): T;
  /**
   * Asks, before a write, what is there already; absent where nothing has to be asked. A step of its own, because the
   * process may be stopped while the answer is on its way, and may have lost its partitions when it goes on.
   */
  look?(items: readonly T[], signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the destination has answered: one result per item, in order.
   * @param traceparent W3C header, where the request is traced
   * Rejects with a RequestError when the request failed as a whole; anything else is a fault of sluice.
   */
  write(items: readonly T[], signal: AbortSignal, traceparent?: string): Promise<readonly ItemResult[]>;
  /** @param clean true when the stream ended as it should: a file is then put into its place */
  close(clean: boolean): Promise<void>;
}

/** How a document ended. Only what is settled may be committed. */
export type Outcome = 'delivered' | 'duplicate' | 'filtered' | 'dead_lettered';
