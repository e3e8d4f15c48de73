import { errors } from '@elastic/elasticsearch';
import { ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import type { Source, SourcePort, SourceRecord } from '../../core/contracts.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { getKey, isObject, type JsonObject, type PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import { type Known, PositionsFile } from '../positions-file.ts';
import { roomOrStop } from '../room.ts';
import type { ElasticsearchSourceOptions } from './options.ts';
import { Pages, seqNoOf } from './pages.ts';
import { type Shard, shardsOf } from './shards.ts';

export interface ElasticsearchSourceParts {
  readonly options: ElasticsearchSourceOptions;
  readonly stream: string;
  readonly clock: Clock;
  readonly resume: boolean;
  readonly selection?: string | undefined;
  /** Shards that are read at once. */
  readonly parallel?: number | undefined;
  /** What a resumed run does with documents that were changed since the first one began. */
  readonly changed: 'read' | 'skip';
  /** Told about progress, in documents. */
  readonly progress?: (read: number, total: number) => void;
}

const SHARDS_AT_ONCE = 2;
/** What a record costs beside its bytes. */
const OVERHEAD = 512;
const RETRY_MS = 1000;

/**
 * The documents of an index, a shard at a time, each shard in the order of its sequence numbers: those are the positions.
 * They outlive a point in time, so a resumed run goes on exactly behind the last settled document of each shard.
 */
export class ElasticsearchSource implements Source {
  readonly type = 'elasticsearch';
  readonly #parts: ElasticsearchSourceParts;
  readonly #connection: ElasticsearchConnection;
  readonly #positions: PositionsFile | undefined;
  readonly #stopped = new AbortController();
  #reading: Promise<void> | undefined;
  #broken = false;
  #read = 0;
  #total = 0;

  constructor(parts: ElasticsearchSourceParts) {
    this.#parts = parts;
    const { options, stream, selection } = parts;
    this.#connection = new ElasticsearchConnection(options);
    const source = options.query === undefined ? options.index : `${options.index} ${JSON.stringify(options.query)}`;
    if (options.checkpoint !== undefined)
      this.#positions = new PositionsFile(options.checkpoint, { stream, source, selection });
  }

  async start(port: SourcePort): Promise<void> {
    const { options, resume, clock } = this.#parts;
    if (resume && this.#positions === undefined)
      throw new SluiceError('SLUICE_CHECKPOINT', '--resume needs a checkpoint');
    const known = resume ? this.#positions!.read() : new Map<string, Known>();
    let shards: Shard[];
    try {
      await this.#connection.ready(clock);
      shards = await shardsOf(this.#connection, options.index);
      const path = `/${encodeURIComponent(options.index)}/_count`;
      const body = options.query === undefined ? {} : { query: options.query as JsonObject };
      this.#total = ((await this.#connection.request({ method: 'POST', path, body })).body as { count: number }).count;
    } catch (error) {
      throw this.#asSource(error);
    }
    if (shards.length === 0)
      throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'no index has this name', { place: options.index });
    // A crash before the first commit must not leave an earlier run's positions to resume from.
    if (!resume) await this.#positions?.write(new Map());
    this.#reading = this.#readAll(shards, known, port).catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) port.failed(this.#asSource(error));
    });
  }

  // Reading asks for room by itself.
  pause(): void {}
  resume(): void {}

  async commit(positions: ReadonlyMap<string, bigint>): Promise<void> {
    await this.#positions?.write(positions);
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new SluiceError('SLUICE_INTERNAL', 'the source is stopping'));
    await this.#reading;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #readAll(shards: Shard[], known: ReadonlyMap<string, Known>, port: SourcePort): Promise<void> {
    const failed: unknown[] = [];
    const one = async () => {
      for (let shard = shards.shift(); shard !== undefined && !this.#over; shard = shards.shift()) {
        try {
          await this.#readShard(shard, known.get(shard.name), port);
        } catch (error) {
          failed.push(error);
          this.#broken = true;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#parts.parallel ?? SHARDS_AT_ONCE }, one));
    if (failed.length > 0) throw failed[0];
    if (!this.#stopped.signal.aborted) port.ended();
  }

  get #over(): boolean {
    return this.#broken || this.#stopped.signal.aborted;
  }

  async #readShard(shard: Shard, known: Known | undefined, port: SourcePort): Promise<void> {
    const { options, changed } = this.#parts;
    const { signal } = this.#stopped;
    const pages = new Pages({
      connection: this.#connection,
      shard,
      query: options.query as JsonObject | undefined,
      size: options.size,
      keepAliveMs: options.keep_alive,
      signal,
    });
    try {
      // Known even where nothing of the shard is settled yet: what is changed from now on lies behind it.
      const last = await this.#patiently(port, () => pages.last());
      const end = known?.end ?? last;
      if (end === undefined || last === undefined) return;
      let position = known?.position ?? 0n;
      this.#positions?.begin(shard.name, { position, end });
      await this.#positions?.write(new Map());
      const until = changed === 'skip' ? end : undefined;
      port.assigned(shard.name);
      for (;;) {
        while (port.full && !this.#over) await roomOrStop(port, this.#stopped.signal);
        if (this.#over) return;
        const from = position;
        const hits = await this.#patiently(port, () => pages.from(from, until));
        if (hits.length === 0 || this.#over) return;
        position = seqNoOf(hits.at(-1)!) + 1n;
        port.deliver(shard.name, hits.map(recordOf));
        this.#read += hits.length;
        this.#parts.progress?.(this.#read, Math.max(this.#total, this.#read));
        if (hits.length < options.size) return;
      }
    } finally {
      await pages.close();
    }
  }

  /** Passing trouble is waited for; what is refused ends the reading. */
  async #patiently<T>(port: SourcePort, work: () => Promise<T>): Promise<T> {
    for (let troubled = false; ; troubled = true) {
      try {
        const result = await work();
        if (troubled) port.trouble(undefined);
        return result;
      } catch (error) {
        if (this.#stopped.signal.aborted) throw this.#stopped.signal.reason;
        const status = error instanceof ElasticsearchError ? error.status : 0;
        const passing = status === 429 || status >= 500 || isTransport(error);
        if (!passing) throw error;
        port.trouble({ type: 'source_unavailable', reason: messageOf(error) });
        await sleep(this.#parts.clock, RETRY_MS, this.#stopped.signal);
      }
    }
  }

  /** The connection speaks of a sink, as it is one everywhere else. */
  #asSource(error: unknown): SluiceError {
    if (error instanceof SluiceError) {
      const code = (CODES as Record<string, ErrorCode>)[error.code] ?? error.code;
      const { place = this.#parts.options.index, hint } = error;
      return new SluiceError(code, error.message, { place, ...(hint !== undefined && { hint }), cause: error });
    }
    const code =
      error instanceof ElasticsearchError && error.status === 404 ? 'SLUICE_SOURCE_UNREADABLE' : 'SLUICE_SOURCE_FAILED';
    return new SluiceError(code, messageOf(error), { place: this.#parts.options.index, cause: error });
  }
}

const CODES = {
  SLUICE_SINK_UNREACHABLE: 'SLUICE_SOURCE_UNREACHABLE',
  SLUICE_SINK_AUTH: 'SLUICE_SOURCE_AUTH',
  SLUICE_SINK_UNSUPPORTED: 'SLUICE_SOURCE_FAILED',
} as const;

const isTransport = (error: unknown): boolean =>
  error instanceof errors.ConnectionError ||
  error instanceof errors.TimeoutError ||
  error instanceof errors.NoLivingConnectionsError;

const METADATA = ['_index', '_id', '_routing', '_version', '_seq_no', '_primary_term'] as const;

const recordOf = (hit: JsonObject): SourceRecord => {
  const position = seqNoOf(hit);
  const found = getKey(hit, '_source');
  const source = isObject(found) ? found : {};
  const value = Buffer.from(writeJson(source));
  const fields: PlainObject = {};
  for (const name of METADATA) {
    const field = getKey(hit, name);
    if (field !== undefined && field !== null) fields[name] = field;
  }
  return {
    position,
    next: position + 1n,
    bytes: value.length + OVERHEAD,
    value,
    key: null,
    headers: {},
    timestamp: undefined,
    defaultId: () => String(fields._id),
    origin: () => ({ name: '_elasticsearch', fields }),
  };
};
