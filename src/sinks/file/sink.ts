import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import type { Sink, WriteItem } from '../../core/contracts.ts';
import type { IngestDocument } from '../../core/document.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import type { FileSinkOptions } from './options.ts';

export interface FileSinkParts {
  readonly options: FileSinkOptions;
  readonly index: ((document: IngestDocument) => string) | undefined;
  readonly id: ((document: IngestDocument) => string) | undefined;
  /** True to go on with what an interrupted run has written. */
  readonly resume: boolean;
  /** True to add to a file that is there, as dead letters do. */
  readonly append?: boolean;
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
  #file: FileHandle | undefined;
  #bytes = 0;

  constructor(parts: FileSinkParts) {
    this.#parts = parts;
    const { path } = parts.options;
    this.#working = parts.append === true ? path : `${path}.part`;
    this.#compress = path.endsWith('.gz') ? compressions.gz : path.endsWith('.zst') ? compressions.zst : undefined;
  }

  async open(): Promise<void> {
    const { options, resume, append } = this.#parts;
    try {
      mkdirSync(dirname(options.path), { recursive: true });
      if (append === true) {
        this.#file = await open(options.path, 'a');
        return;
      }
      if (resume && existsSync(this.#working)) {
        this.#bytes = Number(existsSync(this.#note) ? readFileSync(this.#note, 'utf8') : 0);
        await truncate(this.#working, this.#bytes);
        this.#file = await open(this.#working, 'a');
        return;
      }
      // A resumed run whose file is complete already goes on with that one.
      if (resume && existsSync(options.path)) {
        await rename(options.path, this.#working);
        this.#file = await open(this.#working, 'a');
        this.#bytes = (await this.#file.stat()).size;
        return;
      }
      this.#file = await open(this.#working, 'w');
    } catch (error) {
      throw new SluiceError('SLUICE_SINK_UNWRITABLE', `the file cannot be written: ${messageOf(error)}`, {
        place: options.path,
        cause: error,
      });
    }
  }

  prepare(document: IngestDocument, record: { defaultId: () => string }): FileItem {
    const { options, index, id } = this.#parts;
    let text = '';
    if (options.format === 'bulk') {
      const { metadata } = document;
      const action = (metadata.get('_op_type') as string | undefined) ?? 'index';
      const name = (metadata.get('_index') as string | undefined) ?? index?.(document);
      const head: PlainObject = {
        ...(name !== undefined && { _index: name }),
        _id: (metadata.get('_id') as string | undefined) ?? id?.(document) ?? record.defaultId(),
      };
      const routing = metadata.get('_routing');
      if (routing !== undefined) head.routing = routing;
      text = `${writeJson({ [action]: head })}\n`;
      if (action === 'delete') return { key: undefined, bytes: Buffer.byteLength(text), text };
    }
    const line = document.toLine();
    text += `${typeof line === 'string' ? line : Buffer.from(line).toString('utf8')}\n`;
    return { key: undefined, bytes: Buffer.byteLength(text), text };
  }

  async write(items: readonly FileItem[]): Promise<{ outcome: 'delivered' }[]> {
    const text = items.map((item) => item.text).join('');
    const data = this.#compress === undefined ? Buffer.from(text) : await this.#compress(text);
    try {
      await this.#file!.appendFile(data);
      await this.#file!.datasync();
    } catch (error) {
      throw new SluiceError('SLUICE_SINK_UNWRITABLE', `the file cannot be written: ${messageOf(error)}`, {
        place: this.#parts.options.path,
        cause: error,
      });
    }
    this.#bytes += data.length;
    if (this.#parts.append !== true) writeFileSync(this.#note, String(this.#bytes));
    return items.map(() => ({ outcome: 'delivered' }));
  }

  async close(clean: boolean): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await file.sync();
    await file.close();
    if (!clean || this.#parts.append === true) return;
    await rename(this.#working, this.#parts.options.path);
    rmSync(this.#note, { force: true });
  }

  /** How long the working file is; kept beside it. */
  get #note(): string {
    return `${this.#working}.length`;
  }
}
