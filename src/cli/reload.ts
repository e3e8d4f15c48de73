import { unwatchFile, watchFile } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../core/errors.ts';
import type { Stream } from '../runtime/stream.ts';
import type { StreamLog } from '../runtime/stream-options.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { endsByItself, runnerOf } from './build-stream.ts';
import { inferenceFields } from './inference-fields.ts';
import type { LoadedStream } from './load-stream.ts';

/** A stream and the file it was made from, both of which a reload may replace. */
export interface Running {
  loaded: LoadedStream;
  stream: Stream;
}

export interface ReloaderParts {
  readonly running: readonly Running[];
  readonly supervisor: Supervisor;
  /** Reads and checks a file. @throws SluiceError with all mistakes */
  readonly load: (file: string) => LoadedStream;
  readonly startModels: (loaded: LoadedStream) => Promise<void>;
  readonly build: (loaded: LoadedStream) => Stream;
  readonly log: StreamLog;
}

const POLL_MS = 1000;

/**
 * Takes in changed pipeline files without losing a document. What only changes the processors or models goes into the
 * running stream, once the documents inside the old pipeline have left it; a change of source, destination or limits
 * drains the stream, commits, and starts another. A file with mistakes, or one whose models or destination fail, is
 * refused, and the old one goes on.
 */
export class Reloader {
  readonly #parts: ReloaderParts;
  #busy: Promise<void> = Promise.resolve();

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
  }

  /** One reload at a time; never rejects. */
  reload(): Promise<void> {
    this.#busy = this.#busy.then(async () => {
      for (const running of this.#parts.running) {
        const { file, name } = running.loaded;
        try {
          await this.#reload(running);
        } catch (error) {
          this.#parts.log.error('the changed pipeline file is refused; the old one goes on', {
            stream: name,
            file,
            error: messageOf(error),
          });
        }
      }
    });
    return this.#busy;
  }

  /** Reloads when a file changes; answers with how to stop that. By polling: a mounted ConfigMap is a changing link. */
  watch(): () => void {
    const files = this.#parts.running.map(({ loaded }) => loaded.file);
    const changed = () => void this.reload();
    for (const file of files) watchFile(file, { interval: POLL_MS, persistent: false }, changed);
    return () => {
      for (const file of files) unwatchFile(file, changed);
    };
  }

  async #reload(running: Running): Promise<void> {
    const { load, startModels, log } = this.#parts;
    const old = running.loaded;
    const next = load(old.file);
    if (next.name !== old.name) throw new Error(`a running stream keeps its name [${old.name}]`);
    if (isDeepStrictEqual(next.config, old.config)) return;
    try {
      await startModels(next);
      if (fitsInPlace(old, next)) await running.stream.replacePipeline(runnerOf(next));
      else await this.#restart(running, next);
    } catch (error) {
      await next.models.close();
      throw error;
    }
    running.loaded = next;
    await old.models.close();
    log.info('the changed pipeline file is in use', { stream: next.name, file: next.file });
  }

  async #restart(running: Running, next: LoadedStream): Promise<void> {
    const { supervisor, build } = this.#parts;
    if (endsByItself(running.loaded.config))
      throw new Error('a source that ends is read once: only processors and models may change meanwhile');
    running.stream = await supervisor.replace(
      running.stream,
      () => build(next),
      () => {
        running.stream = build(running.loaded);
        return running.stream;
      },
    );
  }
}

/** True where neither the source nor the destination, nor what the mapping has to hold, is another one. */
const fitsInPlace = (old: LoadedStream, next: LoadedStream): boolean =>
  (['source', 'sink', 'dead_letter', 'limits'] as const).every((key) =>
    isDeepStrictEqual(old.config[key], next.config[key]),
  ) && isDeepStrictEqual(inferenceFields(old), inferenceFields(next));
