import { existsSync, readFileSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

/** How much of a working file was delivered, on disk beside it. What lies behind is a batch that a crash cut off. */
export class LengthNote {
  readonly #path: string;

  constructor(working: string) {
    this.#path = `${working}.length`;
  }

  /** Undefined where there is none, or it says nothing. */
  read(): number | undefined {
    if (!existsSync(this.#path)) return undefined;
    const text = readFileSync(this.#path, 'utf8').trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  }

  /** A crash leaves the old note or the new one. */
  async write(bytes: number): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(String(bytes));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
