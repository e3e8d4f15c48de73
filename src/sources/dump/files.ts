import { createHash } from 'node:crypto';
import { createReadStream, globSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { unbzip2Streams } from './bzip2-streams.ts';
import { type HttpFile, isUrl, lookAtUrl, readUrl } from './http-file.ts';
import { PARQUET_MAGIC } from './parquet-rows.ts';
import { findObjects, isS3, lookAtObject, readObject, type S3Object } from './s3-file.ts';
import { unzstdFrames } from './zstd-frames.ts';

/** What a dump file is, so that a checkpoint knows it again after a rename. */
export interface FileIdentity {
  /** SHA-256 of the first 64 KiB as they lie on the disk. */
  readonly head: string;
  /** Fewer where the file is shorter. */
  readonly headBytes: number;
  readonly bytes: number;
  /** What a web server says of its version. */
  readonly validator?: string;
}

export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2';

export interface DumpFile {
  readonly path: string;
  readonly identity: FileIdentity | undefined;
  readonly compression: Compression;
  /** Milliseconds since 1970, of a file that can be looked at again. */
  readonly modified?: number;
  /** Where a web server holds it. */
  readonly http?: Omit<HttpFile, 'head'>;
  /** Where an object store holds it. */
  readonly object?: S3Object;
  /** True where the file itself is one that is read from its end. */
  readonly parquet?: boolean;
  /** True where it may grow while it is read: what is there at the start is read, and no more. */
  readonly grows?: boolean;
}

export const HEAD_BYTES = 64 * 1024;
const CHUNK = 256 * 1024;

/** Expands globs, in the order of the names. @throws SluiceError SLUICE_SOURCE_UNREADABLE when nothing matches */
export const findFiles = async (patterns: readonly string[]): Promise<DumpFile[]> => {
  const files: DumpFile[] = [];
  const seen = new Set<string>();
  for (const pattern of patterns) {
    if (pattern === '-') {
      files.push({ path: '-', identity: undefined, compression: 'none' });
      continue;
    }
    if (isUrl(pattern) || isS3(pattern)) {
      for (const place of isS3(pattern) ? await findObjects(pattern) : [pattern]) {
        const file = await (isS3(place) ? lookInStore(place) : lookAt(place));
        if (!seen.has(file.path)) files.push(file);
        seen.add(file.path);
      }
      continue;
    }
    const paths = /[*?[{]/.test(pattern) ? globSync(pattern).sort() : [pattern];
    if (paths.length === 0) throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'no file matches', { place: pattern });
    for (const path of paths) {
      if (seen.has(path)) continue;
      seen.add(path);
      files.push(await look(path));
    }
  }
  return files;
};

const look = async (path: string): Promise<DumpFile> => {
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw new Error('it is a folder; name its files, e.g. FOLDER/*.ndjson');
    // A pipe gives its bytes once: there is no look ahead.
    if (!info.isFile()) return { path, identity: undefined, compression: 'none' };
    const head = await readHead(path, HEAD_BYTES);
    return {
      path,
      identity: { head: sha256(head), headBytes: head.length, bytes: info.size },
      compression: compressionOf(head),
      modified: info.mtimeMs,
      parquet: head.subarray(0, PARQUET_MAGIC.length).equals(PARQUET_MAGIC),
    };
  } catch (error) {
    throw unreadable(path, error);
  }
};

const lookAt = async (url: string): Promise<DumpFile> => {
  const { head, ...http } = await lookAtUrl(url, HEAD_BYTES);
  const { path, bytes, validator } = http;
  return {
    path,
    identity: {
      head: sha256(head),
      headBytes: head.length,
      bytes: bytes ?? head.length,
      ...(validator !== undefined && { validator }),
    },
    compression: compressionOf(head),
    http,
  };
};

const lookInStore = async (place: string): Promise<DumpFile> => {
  const { head, ...object } = await lookAtObject(place, HEAD_BYTES);
  const { path, bytes, etag } = object;
  const identity = { head: sha256(head), headBytes: head.length, bytes, validator: etag };
  return { path, identity, compression: compressionOf(head), object };
};

const readHead = async (path: string, length: number): Promise<Buffer> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export const hashHead = async (path: string, length: number): Promise<string> => sha256(await readHead(path, length));

export const unreadable = (path: string, error: unknown): SluiceError =>
  new SluiceError('SLUICE_SOURCE_UNREADABLE', `the dump cannot be read: ${messageOf(error)}`, {
    place: path,
    cause: error,
  });

/** What was read is no state that the file was ever in. @throws SluiceError SLUICE_SOURCE_UNREADABLE */
export const mustBeUnchanged = async ({ path, identity, modified, grows }: DumpFile): Promise<void> => {
  if (identity === undefined || modified === undefined) return;
  const { size, mtimeMs } = await stat(path);
  if (grows === true ? size >= identity.bytes : size === identity.bytes && mtimeMs === modified) return;
  throw new SluiceError(
    'SLUICE_SOURCE_UNREADABLE',
    size < identity.bytes ? 'the dump was cut while it was read' : 'the dump changed while it was read',
    {
      place: path,
      hint: 'What was read of it is delivered. Wait until it is whole; --resume goes on with what was only added to it.',
    },
  );
};

/** The first bytes decide, not the name. */
const compressionOf = (head: Buffer): Compression => {
  if (/^BZh[1-9](1AY&SY|\x17rE8P\x90)/.test(head.toString('latin1', 0, 10))) return 'bzip2';
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  return head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528 ? 'zstd' : 'none';
};

export interface OpenDump {
  /** The decompressed bytes. */
  readonly stream: Readable;
  /** Bytes read so far as they lie on the disk. */
  readonly read: () => number;
}

/** True where reading may begin anywhere, and a server says when what it has is another file by now. */
export const canBeginAnywhere = ({ compression, identity, http }: DumpFile): boolean =>
  compression === 'none' &&
  identity !== undefined &&
  (http === undefined || (http.ranges && http.validator !== undefined));

/** The first bytes again: of many files they are not kept. Whether they are the same ones is seen where it is read. */
export const headOf = async ({ path, http, object }: DumpFile): Promise<Buffer> => {
  if (http !== undefined) return (await lookAtUrl(http.url, HEAD_BYTES)).head;
  return object === undefined ? readHead(path, HEAD_BYTES) : (await lookAtObject(path, HEAD_BYTES)).head;
};

/** @param start the first byte that is wanted, of a file that can be read from anywhere */
export const openFile = ({ path, compression, identity, http, object, grows }: DumpFile, start = 0): OpenDump => {
  if (path === '-') return { stream: process.stdin, read: () => 0 };
  const { raw, read } =
    http !== undefined
      ? openCounted((count) => readUrl(http, start, CHUNK, count))
      : object !== undefined
        ? openCounted((count) => readObject(object, start, CHUNK, count))
        : openPath(path, start, grows === true ? identity?.bytes : undefined);
  if (compression === 'none') return { stream: raw, read };
  if (compression === 'zstd') return { stream: unzstdFrames(raw, CHUNK), read };
  if (compression === 'bzip2') return { stream: unbzip2Streams(raw, CHUNK), read };
  const decompress = createGunzip({ chunkSize: CHUNK });
  raw.on('error', (error) => decompress.destroy(error));
  decompress.on('close', () => raw.destroy());
  return { stream: raw.pipe(decompress), read };
};

const openPath = (
  path: string,
  start: number,
  end = Number.POSITIVE_INFINITY,
): { raw: Readable; read: () => number } => {
  if (start >= end) return { raw: Readable.from([]), read: () => start };
  // A pipe knows no places.
  const range = start > 0 || Number.isFinite(end) ? { start, end: end - 1 } : {};
  const raw = createReadStream(path, { highWaterMark: CHUNK, ...range });
  return { raw, read: () => start + raw.bytesRead };
};

const openCounted = (open: (count: (bytes: number) => void) => Readable): { raw: Readable; read: () => number } => {
  let got = 0;
  const raw = open((bytes) => {
    got = bytes;
  });
  return { raw, read: () => got };
};
