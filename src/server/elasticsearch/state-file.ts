import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';

/** A JSON file that is replaced as a whole: whoever reads it after a crash finds the old or the new one. */
export class StateFile<T> {
  readonly path: string;
  readonly #schema: z.ZodType<T>;

  constructor(path: string, schema: z.ZodType<T>) {
    this.path = path;
    this.#schema = schema;
  }

  /** Undefined where there is none yet. @throws SluiceError SLUICE_STATE where it cannot be read */
  read(): T | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.#fault('cannot be read', error);
    }
    try {
      return this.#schema.parse(JSON.parse(text));
    } catch (error) {
      throw this.#fault('is damaged', error);
    }
  }

  /** @throws SluiceError SLUICE_STATE */
  write(state: T): void {
    const temporary = `${this.path}.new`;
    try {
      mkdirSync(dirname(this.path), { recursive: true });
      const file = openSync(temporary, 'w', 0o600);
      try {
        writeSync(file, `${JSON.stringify(state, null, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw this.#fault('cannot be written', error);
    }
  }

  #fault(what: string, cause: unknown): SluiceError {
    return new SluiceError('SLUICE_STATE', `the state of the server ${what}: ${messageOf(cause)}`, {
      place: this.path,
      hint: 'Mend the file, or move it away and put pipelines and deployments again.',
      cause,
    });
  }
}
