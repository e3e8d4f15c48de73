import type { Stream } from './stream.ts';
import type { StreamLog } from './stream-options.ts';

export interface SupervisorResult {
  readonly name: string;
  readonly error: Error | undefined;
}

/** Runs several streams in one process: one that fails ends alone, the others go on. */
export class Supervisor {
  readonly streams: readonly Stream[];
  readonly #log: StreamLog;

  constructor(streams: readonly Stream[], log: StreamLog) {
    this.streams = streams;
    this.#log = log;
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
      this.streams.map(async (stream) => {
        try {
          await stream.done();
          return { name: stream.name, error: undefined };
        } catch (error) {
          if (this.streams.length > 1) this.#log.error('a stream ended; the others go on', { stream: stream.name });
          return { name: stream.name, error: error as Error };
        }
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.streams.map((stream) => stream.stop()));
  }

  /** True when every stream can deliver. */
  get ready(): boolean {
    return this.streams.every((stream) => stream.trouble === undefined);
  }
}
