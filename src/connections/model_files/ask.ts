import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.ts';
import { notAHub, Passing, refuse, shownUrl, unreachable } from './refusals.ts';
import type { Patience } from './settings.ts';

const REDIRECTS = 8;

export interface Question {
  readonly url: URL;
  /** Sent to the origin of `url` only. */
  readonly token: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly patience: Patience;
}

export interface Answer {
  readonly response: Response;
  /** What the hub said about the file before it sent elsewhere. */
  readonly hub: Headers;
  /** The body in pieces; ends with an error when nothing comes for too long. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Asks once, and follows where the answer leads.
 * @throws SluiceError, or Passing where another try may help
 */
export const ask = async ({ url: first, token, headers = {}, patience }: Question): Promise<Answer> => {
  const patient = new AbortController();
  const waiting = (ms: number, why: string) => setTimeout(() => patient.abort(new Error(why)), ms);
  let hub: Headers | undefined;
  let url = first;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const withToken = token !== undefined && url.origin === first.origin;
    const timer = waiting(patience.answer_ms, `no answer within ${patience.answer_ms / 1000} s`);
    let response: Response;
    try {
      response = await fetch(url, {
        redirect: 'manual',
        headers: {
          // Sizes, ranges and checksums are those of the file as it lies there.
          'accept-encoding': 'identity',
          ...headers,
          ...(withToken && { authorization: `Bearer ${token}` }),
        },
        signal: patient.signal,
      });
    } catch (error) {
      throw new Passing('no answer', undefined, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    // A renamed repository sends to its new name first, which says nothing about the file.
    if (hub === undefined || (url.origin === first.origin && !hub.has('x-linked-etag'))) hub = response.headers;
    if (response.status < 300 || response.status >= 400) {
      if (response.status === 200 || response.status === 206 || response.status === 416)
        return { response, hub, body: pieces(response, patient, patience.idle_ms) };
      await response.body?.cancel();
      return refuse(response, { place: shownUrl(url), withToken });
    }
    await response.body?.cancel();
    url = nextUrl(response, url);
  }
  throw notAHub(shownUrl(first), `more than ${REDIRECTS} redirects`);
};

const nextUrl = (response: Response, from: URL): URL => {
  const next = URL.parse(response.headers.get('location') ?? '', from.href);
  if (next === null || !/^https?:$/.test(next.protocol)) throw notAHub(shownUrl(from), 'a redirect to nowhere');
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw notAHub(shownUrl(from), 'a redirect to an address without encryption');
  return next;
};

async function* pieces(response: Response, patient: AbortController, idle_ms: number): AsyncGenerator<Uint8Array> {
  const late = () => patient.abort(new Error(`nothing came for ${idle_ms / 1000} s`));
  let timer = setTimeout(late, idle_ms);
  try {
    for await (const piece of response.body ?? []) {
      clearTimeout(timer);
      yield piece;
      timer = setTimeout(late, idle_ms);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Tries again what may pass; `work` calls `moved` when it got on. @throws SluiceError */
export const patiently = async <T>(
  place: string,
  { tries, retry_ms, longest_wait_ms }: Patience,
  work: (moved: () => void) => Promise<T>,
): Promise<T> => {
  for (let failed = 0; ; ) {
    try {
      return await work(() => {
        failed = 0;
      });
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      failed += 1;
      const asked = error instanceof Passing ? error.wait_ms : undefined;
      const cause = error instanceof Passing ? (error.cause ?? error) : error;
      if (failed >= tries || (asked ?? 0) > longest_wait_ms) throw unreachable(place, cause);
      await sleep(asked ?? retry_ms * 2 ** (failed - 1));
    }
  }
};

/** A short answer as text. @throws SluiceError, Passing */
export const textOf = async ({ response, body }: Answer, place: string, most: number): Promise<string> => {
  if (response.status !== 200) throw notAHub(place, `HTTP status ${response.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    length += piece.length;
    if (length > most) throw notAHub(place, `more than ${most} bytes where a short answer is expected`);
    parts.push(piece);
  }
  return Buffer.concat(parts).toString('utf8');
};
