import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import type { Sink, SourceRecord, WriteItem } from '../../core/contracts.ts';
import type { IngestDocument } from '../../core/document.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import { mendEnd } from './appended.ts';
import { LengthNote } from './length-note.ts';
import type { FileSinkOptions } from './options.ts';

export interface FileSinkParts {
  readonly options: FileSinkOptions;
  readonly index: ((document: IngestDocument) => string) | undefined;
  readonly id: ((document: IngestDocument) => string) | undefined;
  /** True to go on with what an interrupted run has written. */
  readonly resume: boolean;
  /** True to add to a file that is there, as dead letters do. */
  readonly append?: boolean;
  readonly log?: { warn(message: string, fields?: object): void };
}

interface FileItem extends WriteItem {
  readonly text: string;
}

const compressions = { gz: promisify(gzip), zst: promisify(zstdCompress) } as const;

/**
 * Lines in a file. Each batch is on the disk, and its length noted, before it counts as delivered; a batch that a crash
 * cut off is removed when the next run resumes. Compressed files are a row of members, one for each batch.
 */
export class FileSink implements Sink<FileItem> {
  readonly type = 'file';
  // One batch at a time: a file has one end.
  readonly limits = { max_documents: 1000, max_bytes: 4 * 1024 * 1024, max_age_ms: 500, max_in_flight: 1 };
  readonly #parts: FileSinkParts;
  readonly #working: string;
  readonly #compress: ((data: string) => Promise<Buffer>) | undefined;
  readonly #note: LengthNote;
  #file: FileHandle | undefined;
  #bytes = 0;
  /** Its end may be half a batch: nothing more is written behind it. */
  #broken: SluiceError | undefined;
  /** True while a finished file that a resumed run goes on with is still in its place. */
  #finished = false;

  constructor(parts: FileSinkParts) {
    this.#parts = parts;
    const { path } = parts.options;
    this.#working = parts.append === true ? path : `${path}.part`;
    this.#note = new LengthNote(this.#working);
    this.#compress = path.endsWith('.gz') ? compressions.gz : path.endsWith('.zst') ? compressions.zst : undefined;
  }

  async open(): Promise<void> {
    const { options, resume, append } = this.#parts;
    try {
      mkdirSync(dirname(options.path), { recursive: true });
      if (append === true) await this.#openAppended();
      else if (resume) await this.#openResumed();
      else await this.#openNew();
    } catch (error) {
      throw error instanceof SluiceError ? error : this.#unwritable(error);
    }
  }

  async #openAppended(): Promise<void> {
    const { path } = this.#parts.options;
    const damaged = await mendEnd(path);
    if (damaged !== undefined)
      this.#parts.log?.warn('a compressed file was cut off, so nothing could be added to it: it was moved aside', {
        path,
        moved_to: damaged,
      });
    this.#file = await open(path, 'a');
  }

  async #openNew(): Promise<void> {
    // An earlier run's note says nothing about this one's file.
    this.#note.remove();
    this.#file = await open(this.#working, 'w');
  }

  async #openResumed(): Promise<void> {
    const { path } = this.#parts.options;
    const written = existsSync(this.#working) ? statSync(this.#working).size : 0;
    if (written > 0) {
      this.#bytes = this.#notedOf(written);
      await truncate(this.#working, this.#bytes);
      this.#file = await open(this.#working, 'a');
    } else if (existsSync(path)) {
      // Everything was written already: it stays in its place until there is more.
      this.#finished = true;
      this.#file = await open(path, 'a');
      this.#bytes = (await this.#file.stat()).size;
    } else await this.#openNew();
  }

  #notedOf(written: number): number {
    const noted = this.#note.read();
    if (noted !== undefined && noted <= written) return noted;
    throw new SluiceError(
      'SLUICE_SINK_UNWRITABLE',
      noted === undefined
        ? 'the interrupted file cannot be gone on with: nothing tells how much of it was delivered'
        : `the interrupted file cannot be gone on with: ${noted} bytes of it were delivered, and ${written} are there`,
      { place: this.#working, hint: 'Move it aside and start without --resume.' },
    );
  }

  #unwritable(error: unknown): SluiceError {
    return new SluiceError('SLUICE_SINK_UNWRITABLE', `the file cannot be written: ${messageOf(error)}`, {
      place: this.#parts.options.path,
      hint: isFull(error)
        ? `Make room, and start again, a dump with --resume. ${this.#parts.append === true ? 'Nothing was committed past what could not be kept.' : 'What was delivered is kept in FILE.part and gone on with.'}`
        : 'Look at the path, its folder and who may write there.',
      cause: error,
    });
  }

  prepare(document: IngestDocument, record: Pick<SourceRecord, 'defaultId'>): FileItem {
    const { options, index, id } = this.#parts;
    let text = '';
    if (options.format === 'bulk') {
      const action = (document.meta('_op_type') as string | undefined) ?? 'index';
      const name = (document.meta('_index') as string | undefined) ?? index?.(document);
      const head: PlainObject = {
        ...(name !== undefined && { _index: name }),
        _id: (document.meta('_id') as string | undefined) ?? id?.(document) ?? record.defaultId(),
      };
      const routing = document.meta('_routing');
      if (routing !== undefined) head.routing = routing;
      text = `${writeJson({ [action]: head })}\n`;
      if (action === 'delete') return { key: undefined, bytes: Buffer.byteLength(text), text };
    }
    const line = document.toLine();
    text += `${typeof line === 'string' ? line : Buffer.from(line).toString('utf8')}\n`;
    return { key: undefined, bytes: Buffer.byteLength(text), text };
  }

  async write(items: readonly FileItem[]): Promise<{ outcome: 'delivered' }[]> {
    if (this.#broken !== undefined) throw this.#broken;
    const text = items.map((item) => item.text).join('');
    const data = this.#compress === undefined ? Buffer.from(text) : await this.#compress(text);
    try {
      if (this.#finished) {
        // First the note: without it, a crash would leave a working file that nobody dares to go on with.
        await this.#note.write(this.#bytes);
        await rename(this.#parts.options.path, this.#working);
        this.#finished = false;
      }
      await this.#file!.appendFile(data);
      await this.#file!.datasync();
      this.#bytes += data.length;
      if (this.#parts.append !== true) await this.#note.write(this.#bytes);
    } catch (error) {
      this.#broken = this.#unwritable(error);
      throw this.#broken;
    }
    return items.map(() => ({ outcome: 'delivered' }));
  }

  async close(clean: boolean): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      await this.#putAway(file, clean);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  async #putAway(file: FileHandle, clean: boolean): Promise<void> {
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    if (this.#finished || this.#parts.append === true) return;
    if (clean) await rename(this.#working, this.#parts.options.path);
    // What was delivered is gone on with; an empty file only stands in the way.
    else if (this.#bytes > 0) return;
    else rmSync(this.#working, { force: true });
    this.#note.remove();
  }
}

/** No room on the disk, or none left to this user or process. */
const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '');
