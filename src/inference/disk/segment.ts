import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { HEADER, RECORD_HEADER, scanRecords } from './record.ts';

const CHUNK = 256 * 1024;
/** An end that has not become a whole record for that long belongs to a process that died. */
const TORN_AFTER_MS = 30_000;
/** How exactly the time of last use is kept, by which segments are evicted. */
const TOUCH_MS = 60_000;

/** A file of records, written by one process and read by all. */
export class Segment {
  readonly path: string;
  readonly id: number;
  readonly #file: FileHandle;
  /** Bytes that are known to be whole records. */
  size = 0;
  #touchAt = 0;

  constructor(path: string, id: number, file: FileHandle) {
    this.path = path;
    this.id = id;
    this.#file = file;
  }

  /** One that exists. */
  static async open(path: string, id: number): Promise<Segment> {
    return new Segment(path, id, await open(path, 'r+'));
  }

  /** A new one, this process's own. */
  static async create(path: string, id: number): Promise<Segment> {
    const segment = new Segment(path, id, await open(path, 'wx+', 0o600));
    try {
      await segment.append(HEADER);
      return segment;
    } catch (error) {
      await segment.close();
      // On a full disk every try would leave another one, and they would push out those that are of use.
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  /**
   * Finds the records that were added since the last time. Answers with what is wrong with the file, if anything.
   * The payloads' checksums are looked at when they are used.
   */
  async scan(found: (key: Buffer, offset: number, length: number) => void): Promise<string | undefined> {
    const { size: fileSize, mtimeMs } = await this.#file.stat();
    if (fileSize <= this.size) return undefined;
    const abandoned = Date.now() - mtimeMs > TORN_AFTER_MS;
    if (this.size === 0) {
      const header = await this.read(0, HEADER.length);
      if (!header.equals(HEADER)) {
        const begun = HEADER.subarray(0, header.length).equals(header);
        return begun && !abandoned ? undefined : 'it is no file of this version';
      }
      this.size = HEADER.length;
    }
    for (;;) {
      const chunk = await this.read(this.size, Math.min(CHUNK, fileSize - this.size));
      const next = scanRecords(chunk, this.size, fileSize, found);
      if (next === this.size) break;
      this.size = next;
    }
    if (this.size === fileSize || !abandoned) return undefined;
    await this.#file.truncate(this.size);
    return 'its end was cut off';
  }

  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await this.#file.read(buffer, at, length - at, position + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return buffer.subarray(0, at);
  }

  /** Answers where it went. What does not go there whole leaves nothing. */
  async append(bytes: Uint8Array): Promise<number> {
    const start = this.size;
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.#file.write(bytes, at, bytes.length - at, start + at)).bytesWritten;
    } catch (error) {
      await this.#file.truncate(start).catch(() => {});
      throw error;
    }
    this.size += bytes.length;
    return start;
  }

  /** False once another process has evicted it. */
  async exists(): Promise<boolean> {
    return (await this.#file.stat()).nlink > 0;
  }

  /** It was useful: others are evicted before it. */
  touch(): void {
    const now = performance.now();
    if (now < this.#touchAt) return;
    this.#touchAt = now + TOUCH_MS;
    const time = Date.now() / 1000;
    this.#file.utimes(time, time).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}

/** Whether a record of that size may stand in a segment at all. */
export const fitsInto = (payload: number, segmentSize: number): boolean =>
  HEADER.length + RECORD_HEADER + payload <= segmentSize;
