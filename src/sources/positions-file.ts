import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, SluiceError } from '../core/errors.ts';
import { keepCheckpoint } from './kept-file.ts';

const schema = z.strictObject({
  version: z.literal(1),
  stream: z.string(),
  /** What is read, in words of the source: positions hold for nothing else. */
  source: z.string(),
  selection: z.string().optional(),
  partitions: z.record(z.string(), z.strictObject({ position: z.string().regex(/^\d+$/), end: z.string().optional() })),
});

export interface Known {
  readonly position: bigint;
  /** Where the partition ended for the run that began. */
  readonly end: bigint | undefined;
}

/** How far each partition of a finite source is settled, on disk. */
export class PositionsFile {
  readonly path: string;
  readonly #about: { readonly stream: string; readonly source: string; readonly selection?: string };
  readonly #partitions = new Map<string, Known>();
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, about: { stream: string; source: string; selection?: string | undefined }) {
    this.path = path;
    const { stream, source, selection } = about;
    this.#about = { stream, source, ...(selection !== undefined && { selection }) };
  }

  /** @throws SluiceError SLUICE_CHECKPOINT when there is none, it is damaged, or of something else */
  read(): ReadonlyMap<string, Known> {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      throw this.#wrong(`there is no checkpoint to resume from: ${messageOf(error)}`, 'Start once without --resume.');
    }
    let known: z.output<typeof schema>;
    try {
      known = schema.parse(JSON.parse(text));
    } catch {
      throw this.#wrong('the checkpoint is damaged', 'Remove it and start without --resume.');
    }
    for (const key of ['stream', 'source', 'selection'] as const)
      if (known[key] !== this.#about[key])
        throw this.#wrong(
          `the checkpoint is of another ${key}: [${known[key] ?? 'everything'}], not [${this.#about[key] ?? 'everything'}]`,
          'Name the checkpoint of this one with --checkpoint, or start without --resume.',
        );
    for (const [name, { position, end }] of Object.entries(known.partitions))
      this.#partitions.set(name, { position: BigInt(position), end: end === undefined ? undefined : BigInt(end) });
    return this.#partitions;
  }

  begin(name: string, known: Known): void {
    this.#partitions.set(name, known);
  }

  /**
   * One after another: commits and partitions that begin come at the same time.
   * @throws SluiceError SLUICE_CHECKPOINT
   */
  write(positions: ReadonlyMap<string, bigint>): Promise<void> {
    for (const [name, position] of positions)
      this.#partitions.set(name, { position, end: this.#partitions.get(name)?.end });
    const written = this.#writing.then(() => this.#replace());
    this.#writing = written.catch(() => {});
    return written;
  }

  async #replace(): Promise<void> {
    const partitions = Object.fromEntries(
      [...this.#partitions].map(([name, { position, end }]) => [
        name,
        { position: String(position), ...(end !== undefined && { end: String(end) }) },
      ]),
    );
    await keepCheckpoint(this.path, { version: 1, ...this.#about, partitions });
  }

  #wrong(message: string, hint: string): SluiceError {
    return new SluiceError('SLUICE_CHECKPOINT', message, { place: this.path, hint });
  }
}
