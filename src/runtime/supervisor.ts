import type { Stream } from './stream.ts';
import type { StreamLog } from './stream-options.ts';

export interface SupervisorResult {
  readonly name: string;
  readonly error: Error | undefined;
}

interface Place {
  stream: Stream;
  replacing: Promise<unknown> | undefined;
  /** Neither the new stream nor the old one could be started. */
  lost: Error | undefined;
}

/** Runs several streams in one process: one that fails ends alone, the others go on. */
export class Supervisor {
  readonly #places: Place[];
  readonly #log: StreamLog;
  #stopping = false;

  constructor(streams: readonly Stream[], log: StreamLog) {
    this.#places = streams.map((stream) => ({ stream, replacing: undefined, lost: undefined }));
    this.#log = log;
  }

  get streams(): readonly Stream[] {
    return this.#places.map(({ stream }) => stream);
  }

  /** Starts all streams. When one cannot start, those that did are stopped again. */
  async start(): Promise<void> {
    const started: Stream[] = [];
    try {
      for (const stream of this.streams) {
        await stream.start();
        started.push(stream);
      }
    } catch (error) {
      await Promise.all(started.map((stream) => stream.stop()));
      throw error;
    }
  }

  /** Resolves when all streams have ended. */
  done(): Promise<SupervisorResult[]> {
    return Promise.all(
      this.#places.map(async (place) => {
        const { name } = place.stream;
        try {
          for (let ended: Stream | undefined; ended !== place.stream; ) {
            ended = place.stream;
            await ended.done();
            await place.replacing?.catch(() => {});
            if (place.lost !== undefined) throw place.lost;
          }
          return { name, error: undefined };
        } catch (error) {
          if (this.#places.length > 1) this.#log.error('a stream ended; the others go on', { stream: name });
          return { name, error: error as Error };
        }
      }),
    );
  }

  /**
   * Drains a stream and starts another in its place; answers with it.
   * @param again makes the old one anew, for when the other cannot start; the reason is then thrown
   */
  async replace(old: Stream, next: () => Stream, again: () => Stream): Promise<Stream> {
    const place = this.#places.find(({ stream }) => stream === old);
    if (place === undefined || this.#stopping) throw new Error('the stream is stopping');
    const replaced = this.#replace(place, next, again);
    place.replacing = replaced;
    return replaced;
  }

  async #replace(place: Place, next: () => Stream, again: () => Stream): Promise<Stream> {
    await place.stream.stop();
    if (this.#stopping) throw new Error('the stream is stopping');
    const started = next();
    try {
      await started.start();
    } catch (error) {
      await started.stop();
      const back = again();
      try {
        await back.start();
        place.stream = back;
      } catch (lost) {
        await back.stop();
        place.lost = lost as Error;
      }
      throw error;
    }
    place.stream = started;
    if (this.#stopping) await started.stop();
    return started;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.streams.map((stream) => stream.stop()));
  }

  /** True when every stream can deliver. */
  get ready(): boolean {
    return this.streams.every((stream) => stream.trouble === undefined);
  }
}
