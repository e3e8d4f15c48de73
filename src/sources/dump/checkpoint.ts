import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { keepCheckpoint } from '../kept-file.ts';
import { type DumpFile, type FileIdentity, HEAD_BYTES, hashHead } from './files.ts';

const entry = z.strictObject({
  path: z.string(),
  head: z.string(),
  /** How many bytes `head` is over; older checkpoints do not say. */
  headBytes: z.number().optional(),
  bytes: z.number(),
  validator: z.string().optional(),
  /** Where reading goes on: a byte of the decompressed text, or a record of an Avro file. */
  position: z.string().regex(/^\d+$/),
});
const checkpointSchema = z.strictObject({
  version: z.literal(1),
  stream: z.string(),
  /** Where not all documents were wanted: those that were. */
  selection: z.string().optional(),
  files: z.array(entry),
});
type Checkpoint = z.output<typeof checkpointSchema>;

/** How far each file of a dump is settled, on disk. */
export class CheckpointFile {
  readonly path: string;
  readonly #stream: string;
  readonly #selection: string | undefined;
  readonly #files = new Map<string, Checkpoint['files'][number]>();

  constructor(path: string, stream: string, selection?: string) {
    this.path = path;
    this.#stream = stream;
    this.#selection = selection;
  }

  /** @throws SluiceError SLUICE_CHECKPOINT when there is none, or it is damaged */
  read(): void {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      throw new SluiceError('SLUICE_CHECKPOINT', `there is no checkpoint to resume from: ${messageOf(error)}`, {
        place: this.path,
        hint: 'Start once without --resume.',
        cause: error,
      });
    }
    let checkpoint: Checkpoint;
    try {
      checkpoint = checkpointSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new SluiceError('SLUICE_CHECKPOINT', 'the checkpoint is damaged', {
        place: this.path,
        hint: 'Remove it and start without --resume.',
        cause: error,
      });
    }
    // Its positions say what another pipeline has delivered, to another place.
    if (checkpoint.stream !== this.#stream)
      throw new SluiceError(
        'SLUICE_CHECKPOINT',
        `the checkpoint is of the stream [${checkpoint.stream}], not [${this.#stream}]`,
        {
          place: this.path,
          hint: 'Name the checkpoint of this stream with --checkpoint, or start without --resume.',
        },
      );
    if (checkpoint.selection !== this.#selection)
      throw new SluiceError(
        'SLUICE_CHECKPOINT',
        `the checkpoint is of ${checkpoint.selection ?? 'all documents'}, not of ${this.#selection ?? 'all of them'}`,
        {
          place: this.path,
          hint: 'Give the same --sample, --partition, --since and --until, or start without --resume.',
        },
      );
    for (const file of checkpoint.files) this.#files.set(file.path, file);
  }

  /**
   * Where reading of a file goes on; it is found by its content where it was renamed.
   * @param current all paths that are read now: an entry whose path is among them is no renamed file
   */
  async positionOf({ path, identity }: DumpFile, current: ReadonlySet<string>): Promise<bigint> {
    const own = this.#files.get(path);
    if (own !== undefined) {
      if (identity !== undefined && (await isSame(own, path, identity))) return BigInt(own.position);
      throw new SluiceError('SLUICE_CHECKPOINT', 'the file is not the one that the checkpoint knows', {
        place: path,
        hint: 'Start without --resume, or bring the file back.',
      });
    }
    if (identity === undefined) return 0n;
    for (const known of this.#files.values())
      if (!current.has(known.path) && known.head === identity.head && known.bytes <= identity.bytes)
        return BigInt(known.position);
    return 0n;
  }

  /** @throws SluiceError SLUICE_CHECKPOINT */
  async write(positions: ReadonlyMap<string, bigint>, files: ReadonlyMap<string, DumpFile>): Promise<void> {
    for (const [path, position] of positions) {
      const identity = files.get(path)?.identity;
      if (identity !== undefined) this.#files.set(path, { path, ...identity, position: String(position) });
    }
    const checkpoint: Checkpoint = {
      version: 1,
      stream: this.#stream,
      ...(this.#selection !== undefined && { selection: this.#selection }),
      files: [...this.#files.values()],
    };
    await keepCheckpoint(this.path, checkpoint);
  }
}

/** The same beginning, and nothing lost: a file may have grown since. */
const isSame = async (known: Checkpoint['files'][number], path: string, identity: FileIdentity): Promise<boolean> => {
  // Only a server knows whether what lies behind the beginning is the same.
  if (known.validator !== identity.validator) return false;
  if (identity.bytes < known.bytes) return false;
  const headBytes = known.headBytes ?? Math.min(HEAD_BYTES, known.bytes);
  if (headBytes === identity.headBytes) return known.head === identity.head;
  return headBytes < identity.headBytes && known.head === (await hashHead(path, headBytes));
};
