import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

/** The batches of a fetch may not unfold to more than this together: small messages must not fill the memory. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

/** A batch unfolds to more than there is room for. */
export class TooLargeError extends RangeError {
  override name = 'TooLargeError';
}

/** @param room bytes to unfold to at most; throws a TooLargeError, or zlib's own, where they do not suffice */
export type Decompress = (data: Buffer, room: number) => Promise<Buffer>;

interface Fetch {
  bytes: number;
}
const fetches = new AsyncLocalStorage<Fetch>();

/** Room is what the batches before it in the same fetch left. */
export const bounded =
  (decompress: Decompress) =>
  async (data: Buffer): Promise<Buffer> => {
    const fetch = fetches.getStore();
    const before = fetch?.bytes ?? 0;
    try {
      if (before >= MAX_DECOMPRESSED_BYTES) throw new TooLargeError();
      const out = await decompress(data, MAX_DECOMPRESSED_BYTES - before);
      if (fetch !== undefined) fetch.bytes += out.length;
      return out;
    } catch (error) {
      if (!(error instanceof TooLargeError) && (error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE')
        throw error;
      if (before > 0) throw new CutShortError('the fetch unfolds to more than there is room for');
      throw new TooLargeError(`a compressed record batch unfolds to more than ${MAX_DECOMPRESSED_BYTES} bytes`);
    }
  };

/** What kafkajs takes for a batch that the broker cut off at the end of a fetch: it is asked for again with the next. */
class CutShortError extends Error {
  override name = 'KafkaJSPartialMessageError';
}

interface FetchResponse {
  decode(data: Buffer): Promise<unknown>;
}
const bound = new WeakSet<FetchResponse>();

/** kafkajs 2.2.4 decodes the batches of a fetch one after the other; this lets them share a sum. */
export const boundFetches = (): void => {
  const require = createRequire(import.meta.url);
  // Version 4 is the first with batches that compress several records of the present format, 11 the last kafkajs knows.
  for (let version = 4; version <= 11; version += 1) {
    const response = require(`kafkajs/src/protocol/requests/fetch/v${version}/response.js`) as FetchResponse;
    if (bound.has(response)) continue;
    bound.add(response);
    const { decode } = response;
    response.decode = (data) => fetches.run({ bytes: 0 }, () => decode(data));
  }
};
