import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { readJson } from '../../core/json/read.ts';
import { getKey, isObject, type JsonObject, type JsonValue, type PlainObject } from '../../core/json/values.ts';
import type { Shard } from './shards.ts';

export interface PagesOptions {
  readonly connection: ElasticsearchConnection;
  readonly shard: Shard;
  readonly query: JsonObject | undefined;
  readonly size: number;
  readonly keepAliveMs: number;
  readonly signal: AbortSignal;
}

/**
 * Pages of one shard in the order of its sequence numbers, from a point in time. The order is the same in every point in
 * time, so reading goes on in a new one where the old one has gone.
 */
export class Pages {
  readonly #options: PagesOptions;
  #pit: string | undefined;
  /** Vectors are left out of `_source` from 9.2 on unless they are asked for; earlier versions do not know the words. */
  #vectors = true;

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  /** The highest sequence number of the documents that match; undefined where none does. */
  async last(): Promise<bigint | undefined> {
    const [hit] = await this.#search({ size: 1, sort: [{ _seq_no: 'desc' }], _source: false }, undefined, undefined);
    return hit === undefined ? undefined : seqNoOf(hit);
  }

  /** @param end the last sequence number of interest */
  async from(position: bigint, end: bigint | undefined): Promise<readonly JsonObject[]> {
    const { size } = this.#options;
    const page = { size, sort: [{ _seq_no: 'asc' }], version: true, seq_no_primary_term: true };
    return this.#search(page, position, end);
  }

  async close(): Promise<void> {
    const { connection } = this.#options;
    const pit = this.#pit;
    this.#pit = undefined;
    if (pit !== undefined)
      await connection.request({ method: 'DELETE', path: '/_pit', body: { id: pit } }).catch(() => {});
  }

  async #search(page: PlainObject, from: bigint | undefined, end: bigint | undefined): Promise<JsonObject[]> {
    for (;;) {
      try {
        return await this.#once(page, from, end);
      } catch (error) {
        if (!(error instanceof ElasticsearchError)) throw error;
        if (this.#vectors && error.status === 400 && /exclude_vectors|START_OBJECT/.test(error.message))
          this.#vectors = false;
        // It has outlived its keep_alive, or the node that held it is gone.
        else if (error.type === 'search_context_missing_exception' || error.status === 404) {
          if (this.#pit === undefined) throw error;
          this.#pit = undefined;
        } else throw error;
      }
    }
  }

  async #once(page: PlainObject, from: bigint | undefined, end: bigint | undefined): Promise<JsonObject[]> {
    const { connection, shard, query, keepAliveMs, signal } = this.#options;
    const keep_alive = `${Math.ceil(keepAliveMs / 1000)}s`;
    this.#pit ??= await this.#open(keep_alive);
    const range = { ...(from !== undefined && { gte: Number(from) }), ...(end !== undefined && { lte: Number(end) }) };
    const filter: JsonValue[] = [query, shard.filter].filter((one) => one !== undefined);
    if (Object.keys(range).length > 0) filter.push({ range: { _seq_no: range } });
    const answer = await connection.request({
      method: 'POST',
      path: '/_search',
      // Half a page would be taken for a whole one. No filter_path: it makes the cluster write documents anew, and
      // numbers beyond a double lose their digits.
      query: { allow_partial_search_results: false },
      body: {
        pit: { id: this.#pit, keep_alive },
        query: { bool: { filter } },
        track_total_hits: false,
        ...(this.#vectors && page._source !== false && { _source: { exclude_vectors: false } }),
        ...page,
      },
      exact: true,
      signal,
    });
    const { value } = readJson(answer.body as Buffer);
    if (!isObject(value)) throw new Error('the answer of a search is no object');
    const pit = getKey(value, 'pit_id');
    if (typeof pit === 'string') this.#pit = pit;
    const hits = getKey(value, 'hits');
    return (isObject(hits) ? (getKey(hits, 'hits') ?? []) : []) as JsonObject[];
  }

  async #open(keep_alive: string): Promise<string> {
    const { connection, shard, signal } = this.#options;
    const { body } = await connection.request({
      method: 'POST',
      path: `/${encodeURIComponent(shard.index)}/_pit`,
      query: { keep_alive, preference: `_shards:${shard.number}` },
      signal,
    });
    return (body as { id: string }).id;
  }
}

export const seqNoOf = (hit: JsonObject): bigint => {
  const value = getKey(hit, '_seq_no') ?? (getKey(hit, 'sort') as JsonValue[])[0];
  return BigInt(value as number | bigint);
};
