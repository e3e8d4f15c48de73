import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SluiceError } from '../../core/errors.ts';

/** A dump that a web server holds, as its first bytes were got. */
export interface HttpFile {
  /** Without credentials and without the query, which may sign the request. */
  readonly path: string;
  readonly url: string;
  readonly head: Buffer;
  /** Undefined where the server does not say. */
  readonly bytes: number | undefined;
  /** ETag or time of the last change: another one is another file. */
  readonly validator: string | undefined;
  /** True where the server sends parts of it. */
  readonly ranges: boolean;
}

const ANSWER_MS = 30_000;
/** Tries in a row that bring nothing. */
const TRIES = 5;
const RETRY_MS = 500;

export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path);

/** Looks at the beginning. @throws SluiceError SLUICE_SOURCE_UNREADABLE, SLUICE_SOURCE_UNREACHABLE, SLUICE_SOURCE_AUTH */
export const lookAtUrl = async (text: string, headBytes: number): Promise<HttpFile> => {
  const url = URL.parse(text);
  if (url === null) throw new SluiceError('SLUICE_SOURCE_UNREADABLE', 'not a URL', { place: text });
  const path = shownOf(url);
  const answer = await patiently(path, () => get(url, path, { range: `bytes=0-${headBytes - 1}` }));
  const head = await firstBytes(answer, headBytes);
  const total =
    /\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1] ??
    (answer.status === 200 ? answer.headers.get('content-length') : undefined);
  const etag = answer.headers.get('etag');
  return {
    path,
    url: text,
    head,
    bytes: total === undefined || total === null ? undefined : Number(total),
    // A weak one says that two files mean the same, not that their bytes are the same.
    validator: (etag?.startsWith('W/') ? undefined : etag) ?? answer.headers.get('last-modified') ?? undefined,
    ranges: answer.status === 206,
  };
};

/** All from `start` on; where the connection breaks, what is left is asked for, of the same file only. */
export const readUrl = (
  file: Omit<HttpFile, 'head'>,
  start: number,
  chunkSize: number,
  count: (bytes: number) => void,
): Readable => Readable.from(chunksOf(file, start, count), { objectMode: false, highWaterMark: chunkSize });

async function* chunksOf(
  { url: text, path, bytes, validator }: Omit<HttpFile, 'head'>,
  start: number,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  // Of what lies behind the end no server sends anything.
  if (start > 0 && bytes !== undefined && start >= bytes) return;
  const url = new URL(text);
  let at = start;
  for (let tries = 0; ; ) {
    const from = at;
    try {
      const answer = await get(
        url,
        path,
        from === 0 ? {} : { range: `bytes=${from}-`, ...(validator && { 'if-range': validator }) },
      );
      const now = answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? undefined;
      if (
        validator !== undefined &&
        now !== undefined &&
        !now.startsWith('W/') &&
        now !== validator &&
        answer.headers.get('last-modified') !== validator
      ) {
        await answer.body?.cancel();
        throw changed(path);
      }
      if (from > 0 && answer.status !== 206) {
        await answer.body?.cancel();
        throw validator === undefined ? unresumable(path) : changed(path);
      }
      const begins = /^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1];
      if (begins !== undefined && Number(begins) !== from) {
        await answer.body?.cancel();
        throw unresumable(path);
      }
      for await (const chunk of answer.body ?? []) {
        at += chunk.length;
        count(at);
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
      if (bytes === undefined || at >= bytes) return;
      throw new Error(`the connection ended after ${at} of ${bytes} bytes`);
    } catch (error) {
      if (error instanceof SluiceError && error.code !== 'SLUICE_SOURCE_UNREACHABLE') throw error;
      tries = at > from ? 1 : tries + 1;
      if (tries >= TRIES) throw unreachable(path, error);
      await sleep(RETRY_MS * 2 ** (tries - 1));
    }
  }
}

const get = async (url: URL, path: string, headers: Readonly<Record<string, string>>): Promise<Response> => {
  const bare = new URL(url);
  const basic =
    url.username === ''
      ? undefined
      : Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  bare.username = '';
  bare.password = '';
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  let answer: Response;
  try {
    answer = await fetch(bare, {
      // Positions are those of the file as it lies there.
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...(basic && { authorization: `Basic ${basic.toString('base64')}` }),
      },
      signal: patience.signal,
    });
  } catch (error) {
    throw unreachable(path, error);
  } finally {
    clearTimeout(timer);
  }
  if (answer.status === 200 || answer.status === 206) return answer;
  await answer.body?.cancel();
  if (answer.status === 416) return new Response(new Uint8Array(), { status: 206, headers: answer.headers });
  if (answer.status === 429 || answer.status >= 500) throw unreachable(path, new Error(`HTTP status ${answer.status}`));
  throw new SluiceError(
    answer.status === 401 || answer.status === 403 ? 'SLUICE_SOURCE_AUTH' : 'SLUICE_SOURCE_UNREADABLE',
    `the server answered with HTTP status ${answer.status}`,
    { place: path },
  );
};

const patiently = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'SLUICE_SOURCE_UNREACHABLE') throw error;
      if (tries >= TRIES) throw unreachable(path, error.cause ?? error);
      await sleep(RETRY_MS * 2 ** (tries - 1));
    }
  }
};

/** Servers without ranges send everything: the rest is not waited for. */
const firstBytes = async (answer: Response, most: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    parts.push(Buffer.from(chunk));
    length += chunk.length;
    if (length >= most) break;
  }
  return Buffer.concat(parts).subarray(0, most);
};

/** Two signed requests may differ in their query only. */
const shownOf = ({ origin, pathname, search }: URL): string =>
  `${origin}${pathname}${search === '' || /[?&](X-Amz-Signature|sig|Signature)=/i.test(search) ? '' : `#${hash('sha256', search, 'hex').slice(0, 8)}`}`;

const changed = (path: string): SluiceError =>
  new SluiceError('SLUICE_SOURCE_UNREADABLE', 'the dump changed while it was read', {
    place: path,
    hint: 'What was read of it is delivered. Start anew without --resume.',
  });

const unresumable = (path: string): SluiceError =>
  new SluiceError('SLUICE_SOURCE_UNREADABLE', 'the connection broke, and the server sends no parts of files', {
    place: path,
    hint: 'Fetch the file first, and replay it from the disk.',
  });

const unreachable = (path: string, error: unknown): SluiceError =>
  new SluiceError('SLUICE_SOURCE_UNREACHABLE', `the server cannot be reached: ${messageOf(causeOf(error))}`, {
    place: path,
    cause: error,
  });

/** `fetch failed` hides what failed. */
const causeOf = (error: unknown): unknown =>
  error instanceof TypeError && error.cause !== undefined ? error.cause : error;
