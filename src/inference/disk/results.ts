import { resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { CacheStats } from '../cache.ts';
import type { DiskCacheOptions as FileOptions } from '../options.ts';
import { DiskCache, type DiskCacheOptions } from './cache.ts';

/** One model's results in a cache that several may share. */
export class DiskResults<Output> implements CacheStats {
  readonly #cache: DiskCache;
  readonly #identity: string;
  hits = 0;
  misses = 0;

  /** @param identity all that a result depends on but the text and what is asked of it */
  constructor(cache: DiskCache, identity: string) {
    this.#cache = cache;
    this.#identity = identity;
  }

  /** Undefined, at once, where the result is not there; so does a promise that finds it damaged. */
  get(key: string): Promise<Output | undefined> | undefined {
    const found = this.#cache.get(this.#name(key));
    if (found !== undefined) return found.then((bytes) => this.#decode(bytes));
    this.misses += 1;
    return undefined;
  }

  set(key: string, output: Output): void {
    this.#cache.set(this.#name(key), serialize(output));
  }

  get bytes(): number {
    return this.#cache.bytes;
  }

  #decode(bytes: Buffer | undefined): Output | undefined {
    if (bytes !== undefined) {
      try {
        const output = deserialize(bytes) as Output;
        this.hits += 1;
        return output;
      } catch (error) {
        // A newer Node may have written it.
        this.#cache.distrust(error);
      }
    }
    this.misses += 1;
    return undefined;
  }

  #name(key: string): string {
    return `${this.#identity} ${key}`;
  }
}

/** The caches of one stream, by folder: models may share one. */
export class DiskCaches {
  readonly #log: DiskCacheOptions['log'];
  readonly #open = new Map<string, DiskCache>();

  constructor(log: DiskCacheOptions['log']) {
    this.#log = log;
  }

  async results<Output>(options: FileOptions | undefined, identity: string): Promise<DiskResults<Output> | undefined> {
    if (options === undefined) return undefined;
    const path = resolve(options.path);
    let cache = this.#open.get(path);
    if (cache === undefined) {
      cache = new DiskCache({ path, max_size: options.max_size, log: this.#log });
      this.#open.set(path, cache);
      await cache.open();
    }
    return new DiskResults(cache, identity);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((cache) => cache.close()));
  }
}
