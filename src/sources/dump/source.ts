import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import type { Source, SourcePort, SourceRecord } from '../../core/contracts.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { roomOrStop } from '../room.ts';
import { CheckpointFile } from './checkpoint.ts';
import { canBeginAnywhere, type DumpFile, findFiles, headOf, mustBeUnchanged, openFile, unreadable } from './files.ts';
import { readerAt } from './formats.ts';
import type { DumpSourceOptions } from './options.ts';
import { parquetRows } from './parquet-rows.ts';
import { firstId, RecordIds } from './record-ids.ts';
import { type DumpRecord, DumpRecords } from './records.ts';

export interface DumpSourceParts {
  readonly options: DumpSourceOptions;
  readonly stream: string;
  readonly resume: boolean;
  /** What is done to the records before they are documents, where it is not everything: part of the checkpoint. */
  readonly selection?: string | undefined;
  /** Files that are read at once; 1 where absent. */
  readonly parallel?: number | undefined;
  /** True when the sink uses the default ids: equal records are then counted. */
  readonly defaultIds: boolean;
  /** True where the files grow while they are read: what is there at the start is read, and no more. */
  readonly growing?: boolean;
  /** Told about progress, in bytes as they lie on the disk where that is known. */
  readonly progress?: (read: number, total: number) => void;
}

/** What a record costs beside its bytes. */
const OVERHEAD = 256;

/**
 * Files of any format, one after the other: one partition each. Positions are bytes of the decompressed text, or records
 * of an Avro or Parquet file.
 */
export class DumpSource implements Source {
  readonly type = 'dump';
  readonly #parts: DumpSourceParts;
  readonly #files = new Map<string, DumpFile>();
  readonly #checkpoint: CheckpointFile | undefined;
  readonly #ids: RecordIds | undefined;
  readonly #folder: string;
  readonly #stopped = new AbortController();
  #reading: Promise<void> | undefined;
  #broken = false;

  constructor(parts: DumpSourceParts) {
    this.#parts = parts;
    const { checkpoint } = parts.options;
    // Where there is room for a checkpoint: the folder for temporary files may be memory.
    this.#folder = checkpoint === undefined ? tmpdir() : dirname(checkpoint);
    this.#ids = parts.defaultIds && !this.#isParallel ? new RecordIds(this.#folder) : undefined;
    if (checkpoint !== undefined) this.#checkpoint = new CheckpointFile(checkpoint, parts.stream, parts.selection);
  }

  async start(port: SourcePort): Promise<void> {
    const { options, resume } = this.#parts;
    if (resume) {
      if (this.#checkpoint === undefined) throw new SluiceError('SLUICE_CHECKPOINT', '--resume needs a checkpoint');
      this.#checkpoint.read();
    }
    for (const file of await findFiles([options.paths].flat()))
      this.#files.set(file.path, { ...file, grows: this.#parts.growing === true });
    const from = new Map<string, bigint>();
    const paths = new Set(this.#files.keys());
    for (const [path, file] of this.#files)
      from.set(path, resume ? await this.#checkpoint!.positionOf(file, paths) : 0n);
    // A crash before the first commit must not leave an earlier run's positions to resume from.
    if (!resume) await this.#checkpoint?.write(new Map(), this.#files);
    this.#reading = this.#read(port, from).catch((error: unknown) => {
      if (!this.#stopped.signal.aborted)
        port.failed(
          error instanceof SluiceError
            ? error
            : new SluiceError('SLUICE_SOURCE_FAILED', messageOf(error), { cause: error }),
        );
    });
  }

  // Reading asks for room by itself.
  pause(): void {}
  resume(): void {}

  async commit(positions: ReadonlyMap<string, bigint>): Promise<void> {
    await this.#checkpoint?.write(positions, this.#files);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#ids?.close();
  }

  get #over(): boolean {
    return this.#broken || this.#stopped.signal.aborted;
  }

  get #isParallel(): boolean {
    return (this.#parts.parallel ?? 1) > 1;
  }

  async #read(port: SourcePort, from: ReadonlyMap<string, bigint>): Promise<void> {
    const files = [...this.#files.values()];
    const total = files.reduce((sum, { identity }) => sum + (identity?.bytes ?? 0), 0);
    const read = new Map<string, number>();
    const progress = (path: string, bytes: number) => {
      read.set(path, bytes);
      this.#parts.progress?.(
        [...read.values()].reduce((sum, one) => sum + one, 0),
        total,
      );
    };
    const broken: unknown[] = [];
    const one = async () => {
      for (let file = files.shift(); file !== undefined && !this.#over; file = files.shift()) {
        const { path } = file;
        port.assigned(path);
        try {
          await this.#readFile(file, from.get(path) ?? 0n, port, (bytes) => progress(path, bytes));
        } catch (error) {
          // The others end with it.
          broken.push(error);
          this.#broken = true;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#parts.parallel ?? 1 }, one));
    if (broken.length > 0) throw broken[0];
    if (!this.#stopped.signal.aborted) port.ended();
  }

  async #readFile(file: DumpFile, from: bigint, port: SourcePort, progress: (read: number) => void): Promise<void> {
    try {
      for await (const some of this.#recordsOf(file, from, progress)) {
        await this.#deliver(file, some, from, port);
        if (this.#over) return;
      }
      await mustBeUnchanged(file);
      progress(file.identity?.bytes ?? 0);
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error instanceof SluiceError ? error : unreadable(file.path, error);
    }
  }

  async *#recordsOf(file: DumpFile, from: bigint, progress: (read: number) => void): AsyncGenerator<DumpRecord[]> {
    const { format, csv, max_document_bytes } = this.#parts.options;
    const wanted = { maxBytes: max_document_bytes, from, all: this.#ids !== undefined };
    if (file.parquet === true && (format === 'auto' || format === 'parquet'))
      return yield* parquetRows(file.path, wanted);
    const options = { ...wanted, format, csv, path: file.path, folder: this.#folder };
    // Equal records are counted from the first one on.
    const resumed =
      from > 0n && this.#ids === undefined && canBeginAnywhere(file)
        ? readerAt(await headOf(file), Number(from), options)
        : undefined;
    const records = resumed ?? new DumpRecords(options);
    const { stream, read } = openFile(file, resumed && Number(from));
    const stop = () => void stream.destroy();
    this.#stopped.signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const chunk of stream) {
        yield* records.push(chunk as Buffer);
        progress(read());
      }
      yield* records.end();
    } finally {
      this.#stopped.signal.removeEventListener('abort', stop);
      stream.destroy();
      records.close?.();
    }
  }

  async #deliver(file: DumpFile, read: readonly DumpRecord[], from: bigint, port: SourcePort): Promise<void> {
    const records: SourceRecord[] = [];
    for (const record of read) {
      // Records before the checkpoint are looked at all the same: the ordinals of equal records count from the beginning.
      const id = this.#ids === undefined ? undefined : countedId(record, this.#ids);
      if (BigInt(record.position) < from) continue;
      if (this.#isParallel && this.#parts.defaultIds && countedId(record, NOBODY) !== undefined) throw uncounted(file);
      records.push(recordOf(file.path, record, id));
    }
    if (records.length === 0) return;
    port.deliver(file.path, records);
    while (port.full && !this.#stopped.signal.aborted) await roomOrStop(port, this.#stopped.signal);
  }
}

/** What names itself is not counted; a deletion without a name has no id at all. */
const countedId = ({ value, envelope }: DumpRecord, ids: Pick<RecordIds, 'next'>): string | undefined =>
  value === null || envelope?.()._id !== undefined ? undefined : ids.next(value);

const NOBODY = { next: firstId };

/** Which of two equal records in two files is the first would change from run to run, and with it their ids. */
const uncounted = ({ path }: DumpFile): SluiceError =>
  new SluiceError(
    'SLUICE_USAGE',
    '--parallel needs documents that name themselves: equal ones in two files are told apart by their order',
    {
      place: path,
      hint: 'Set sink.elasticsearch.id, or leave --parallel out; --partition spreads the work over processes as well.',
    },
  );

const recordOf = (
  path: string,
  { value, position, next, codec, envelope }: DumpRecord,
  id: string | undefined,
): SourceRecord => ({
  position: BigInt(position),
  next: BigInt(next),
  bytes: (value?.length ?? 0) + OVERHEAD,
  value,
  key: null,
  headers: {},
  timestamp: undefined,
  defaultId: () => (envelope?.()._id as string | undefined) ?? id ?? firstId(value ?? Buffer.alloc(0)),
  origin: () => ({ name: '_file', fields: { path, name: basename(path), position, ...envelope?.() } }),
  ...(codec && { codec }),
});
