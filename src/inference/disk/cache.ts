import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { evict, type FoundSegment, listSegments, segmentName } from './folder.ts';
import { KeyTable } from './key-table.ts';
import { decodeRecord, encodeRecord, recordKey } from './record.ts';
import { fitsInto, Segment } from './segment.ts';

export interface DiskCacheOptions {
  readonly path: string;
  /** Bytes of all segments together. */
  readonly max_size: number;
  readonly log: { warn(message: string, fields?: object): void };
}

/** A full cache loses a sixteenth at a time. */
const SEGMENTS = 16;
const LEAST_SEGMENT = 64 * 1024;
const LARGEST_SEGMENT = 64 * 1024 * 1024;
const FLUSH_BYTES = 256 * 1024;
const FLUSH_MS = 200;
/** A disk that is slower than the model must not fill the memory: what comes beyond that is not kept. */
const MAX_PENDING = 8 * 1024 * 1024;
/** How often a miss looks for what other processes have added, and how long a failed write is not tried again. */
const REFRESH_MS = 5000;
const RETRY_MS = 30_000;

/**
 * Results by name, on disk, for any number of processes at once without a lock: each appends to segments of its own and
 * reads everybody's, and whole segments are evicted by whoever finds the folder too large. All of it is asynchronous, and
 * nothing that goes wrong here is more than a miss.
 */
export class DiskCache {
  readonly #options: DiskCacheOptions;
  readonly #segmentSize: number;
  readonly #segments = new Map<number, Segment>();
  readonly #table = new KeyTable();
  readonly #told = new Set<string>();
  #own: Segment | undefined;
  #nextId = 1;
  #pending: { readonly key: Buffer; readonly record: Buffer }[] = [];
  #pendingBytes = 0;
  /** Of what waits for the disk, too. */
  #unwritten = 0;
  #timer: NodeJS.Timeout | undefined;
  /** One thing at a time changes the set of segments. */
  #work: Promise<void> = Promise.resolve();
  #refreshAt = 0;
  #writeAt = 0;
  #usable = false;
  #closed = false;

  constructor(options: DiskCacheOptions) {
    this.#options = options;
    this.#segmentSize = Math.min(LARGEST_SEGMENT, Math.max(LEAST_SEGMENT, Math.floor(options.max_size / SEGMENTS)));
  }

  /** Never rejects: a folder that cannot be used is one without results. */
  async open(): Promise<void> {
    try {
      await mkdir(this.#options.path, { recursive: true, mode: 0o700 });
      this.#usable = true;
    } catch (error) {
      return this.#warn('the inference cache on disk cannot be used', error);
    }
    await this.#next(async () => this.#adopt(await evict(this.#options.path, this.#room)));
  }

  /** Undefined, at once, where there is no such result. */
  get(name: string): Promise<Buffer | undefined> | undefined {
    const key = recordKey(name);
    const place = this.#table.get(key);
    const segment = place && this.#segments.get(place.segment);
    if (segment !== undefined) return this.#read(segment, key, place!.offset, place!.length);
    if (this.#usable && !this.#closed && performance.now() >= this.#refreshAt) {
      this.#refreshAt = performance.now() + REFRESH_MS;
      void this.#next(async () => this.#adopt(await listSegments(this.#options.path)));
    }
    return undefined;
  }

  set(name: string, payload: Uint8Array): void {
    if (!this.#usable || this.#closed || performance.now() < this.#writeAt) return;
    if (!fitsInto(payload.length, this.#segmentSize) || this.#unwritten > MAX_PENDING) return;
    const key = recordKey(name);
    const record = encodeRecord(key, payload);
    this.#pending.push({ key, record });
    this.#pendingBytes += record.length;
    this.#unwritten += record.length;
    if (this.#pendingBytes >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /** A result that cannot be read although its bytes are those that were written. */
  distrust(error: unknown): void {
    this.#warn('a result in the inference cache on disk cannot be read, and is made again', error);
  }

  /** Bytes of all processes' segments, as far as this one has seen them. */
  get bytes(): number {
    let sum = 0;
    for (const { size } of this.#segments.values()) sum += size;
    return sum;
  }

  async close(): Promise<void> {
    this.#flush();
    this.#closed = true;
    await this.#work;
    await Promise.all([...this.#segments.values()].map((segment) => segment.close()));
    this.#segments.clear();
  }

  get #room(): number {
    return Math.max(this.#segmentSize, this.#options.max_size - this.#segmentSize);
  }

  async #read(segment: Segment, key: Buffer, offset: number, length: number): Promise<Buffer | undefined> {
    try {
      const record = await segment.read(offset, length);
      const payload = decodeRecord(record, key);
      segment.touch();
      return payload ?? undefined;
    } catch (error) {
      if (!this.#segments.has(segment.id)) return undefined;
      // What else is in it cannot be trusted either.
      this.#warn('the inference cache on disk is damaged: the file is removed', error, segment.path);
      this.#forget(segment);
      await rm(segment.path, { force: true }).catch(() => {});
      return undefined;
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    const batch = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    void this.#next(async () => {
      await this.#write(batch);
      this.#unwritten -= bytes;
    });
  }

  async #write(batch: readonly { readonly key: Buffer; readonly record: Buffer }[]): Promise<void> {
    try {
      for (let from = 0; from < batch.length; ) {
        const segment = await this.#writable();
        let to = from;
        for (let room = this.#segmentSize - segment.size; to < batch.length; to += 1) {
          room -= batch[to]!.record.length;
          if (room < 0 && to > from) break;
        }
        const records = batch.slice(from, to).map(({ record }) => record);
        let offset = await segment.append(Buffer.concat(records));
        for (const { key, record } of batch.slice(from, to)) {
          this.#index(segment.id, key, offset, record.length);
          offset += record.length;
        }
        from = to;
      }
    } catch (error) {
      // Its end may be half a record: nothing more is written to it.
      this.#own = undefined;
      this.#writeAt = performance.now() + RETRY_MS;
      this.#warn('results cannot be kept in the inference cache on disk for now; nothing else is lost', error);
    }
  }

  async #writable(): Promise<Segment> {
    const { path } = this.#options;
    if (this.#own !== undefined && this.#own.size < this.#segmentSize && (await this.#own.exists())) return this.#own;
    this.#own = undefined;
    await this.#adopt(await evict(path, this.#room));
    const segment = await Segment.create(join(path, segmentName()), this.#nextId++);
    this.#segments.set(segment.id, segment);
    this.#own = segment;
    return segment;
  }

  /** Makes the known segments those that are there. */
  async #adopt(found: readonly FoundSegment[]): Promise<void> {
    const known = new Map([...this.#segments.values()].map((segment) => [segment.path, segment]));
    for (const { name } of found) {
      const path = join(this.#options.path, name);
      let segment = known.get(path);
      known.delete(path);
      if (segment !== undefined && segment === this.#own) continue;
      try {
        segment ??= await Segment.open(path, this.#nextId++);
        this.#segments.set(segment.id, segment);
        const { id } = segment;
        const wrong = await segment.scan((key, offset, length) => this.#index(id, key, offset, length));
        if (wrong === undefined) continue;
        this.#warn('the inference cache on disk had a damaged file, which is mended', wrong, path);
        // Not even its header is right.
        if (segment.size > 0) continue;
        this.#forget(segment);
        await rm(path, { force: true });
      } catch (error) {
        if (segment !== undefined) this.#forget(segment);
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          this.#warn('a file of the inference cache on disk cannot be read', error, path);
      }
    }
    for (const gone of known.values()) this.#forget(gone);
  }

  #index(segment: number, key: Buffer, offset: number, length: number): void {
    this.#table.set(key, { segment, offset, length }, (id) => this.#segments.has(id));
  }

  #forget(segment: Segment): void {
    this.#segments.delete(segment.id);
    if (this.#own === segment) this.#own = undefined;
    void segment.close();
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(work)
      .catch((error) => this.#warn('the inference cache on disk cannot be read', error));
    return this.#work;
  }

  #warn(message: string, error: unknown, path = this.#options.path): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#options.log.warn(message, { path, reason: typeof error === 'string' ? error : messageOf(error) });
  }
}
