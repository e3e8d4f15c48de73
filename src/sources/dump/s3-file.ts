import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { messageOf, SluiceError } from '../../core/errors.ts';

/** An object as its first bytes were got. */
export interface S3Object {
  /** `s3://bucket/key`. */
  readonly path: string;
  readonly bytes: number;
  readonly etag: string;
}

/** Tries in a row that bring nothing, beside those of the client. */
const TRIES = 5;
const RETRY_MS = 500;

/** `s3://bucket/key`; a `*` at its end stands for all keys that begin so. */
export const isS3 = (path: string): boolean => path.startsWith('s3://');

let client: Promise<{ s3: S3Client; lib: typeof import('@aws-sdk/client-s3') }> | undefined;

/** Region, credentials and endpoint are found where the client always looks: environment, profile, machine. */
const connect = () => {
  // It takes a third of a second to load: only where it is used.
  client ??= import('@aws-sdk/client-s3').then((lib) => {
    // What is not AWS has no host name for each bucket.
    const other = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
    return { lib, s3: new lib.S3Client({ forcePathStyle: other !== undefined }) };
  });
  return client;
};

const partsOf = (path: string): { Bucket: string; Key: string } => {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(path) ?? [];
  if (Bucket === undefined || Key === undefined)
    throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'not s3://BUCKET/KEY', { place: path });
  return { Bucket, Key };
};

/** The objects that a path with a `*` at its end stands for, in the order of their keys. */
export const findObjects = async (path: string): Promise<string[]> => {
  if (!path.endsWith('*')) return [path];
  const { Bucket, Key } = partsOf(path);
  const { s3, lib } = await connect();
  const found: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await refusals(path, () =>
      s3.send(new lib.ListObjectsV2Command({ Bucket, Prefix: Key.slice(0, -1), ContinuationToken: token })),
    );
    // A key that ends with a slash is a folder that somebody made.
    for (const { Key: key } of page.Contents ?? [])
      if (key?.endsWith('/') === false) found.push(`s3://${Bucket}/${key}`);
    token = page.NextContinuationToken;
    if (token === undefined) break;
  }
  if (found.length === 0) throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'no object matches', { place: path });
  return found;
};

/** Looks at the beginning. @throws SluiceError SLUICE_SOURCE_UNREADABLE, SLUICE_SOURCE_AUTH, SLUICE_SOURCE_UNREACHABLE */
export const lookAtObject = async (path: string, headBytes: number): Promise<S3Object & { readonly head: Buffer }> => {
  const { Body, ContentRange, ContentLength = 0, ETag = '' } = await get(path, { Range: `bytes=0-${headBytes - 1}` });
  const head = Buffer.from((await Body?.transformToByteArray()) ?? []);
  const total = /\/(\d+)$/.exec(ContentRange ?? '')?.[1];
  return { path, head, bytes: total === undefined ? ContentLength : Number(total), etag: ETag };
};

/** All from `start` on; where the connection breaks, what is left is asked for, of the same version only. */
export const readObject = (
  object: S3Object,
  start: number,
  chunkSize: number,
  count: (bytes: number) => void,
): Readable => Readable.from(chunksOf(object, start, count), { objectMode: false, highWaterMark: chunkSize });

async function* chunksOf(
  { path, bytes, etag }: S3Object,
  start: number,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let at = start;
  for (let tries = 0; at < bytes; ) {
    const from = at;
    try {
      const { Body } = await get(path, { IfMatch: etag, ...(from > 0 && { Range: `bytes=${from}-` }) });
      for await (const chunk of Body as AsyncIterable<Buffer>) {
        at += chunk.length;
        count(at);
        yield chunk;
      }
      if (at < bytes) throw new Error(`the connection ended after ${at} of ${bytes} bytes`);
    } catch (error) {
      if (error instanceof SluiceError && error.code !== 'SLUICE_SOURCE_UNREACHABLE') throw error;
      tries = at > from ? 1 : tries + 1;
      if (tries >= TRIES) throw unreachable(path, error);
      await sleep(RETRY_MS * 2 ** (tries - 1));
    }
  }
}

const get = async (path: string, how: { Range?: string; IfMatch?: string }): Promise<GetObjectCommandOutput> => {
  const { s3, lib } = await connect();
  const key = partsOf(path);
  return refusals(path, () => s3.send(new lib.GetObjectCommand({ ...key, ...how })), how.Range);
};

/** What the store says of itself, as an error that says where. */
const refusals = async <T>(path: string, work: () => Promise<T>, range?: string): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 412)
      throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'the dump changed while it was read', {
        place: path,
        hint: 'What was read of it is delivered. Start anew without --resume.',
      });
    // Of an empty object there is no first byte.
    if (status === 416 && range?.startsWith('bytes=0-') === true) return { ContentLength: 0 } as T;
    if (status === 401 || status === 403 || (error as Error).name === 'CredentialsProviderError')
      throw new SluiceError('SLUICE_SOURCE_AUTH', `the object store refused: ${messageOf(error)}`, {
        place: path,
        hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; AWS_ENDPOINT_URL_S3 for another store.',
        cause: error,
      });
    if (status !== undefined && status < 500 && status !== 429)
      throw new SluiceError('SLUICE_SOURCE_UNREADABLE', `the object cannot be read: ${messageOf(error)}`, {
        place: path,
        cause: error,
      });
    throw unreachable(path, error);
  }
};

const unreachable = (path: string, error: unknown): SluiceError =>
  new SluiceError('SLUICE_SOURCE_UNREACHABLE', `the object store cannot be reached: ${messageOf(error)}`, {
    place: path,
    cause: error,
  });
