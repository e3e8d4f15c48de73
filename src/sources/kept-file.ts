import { mkdirSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SluiceError } from '../core/errors.ts';

/** A checkpoint grows by some digits from commit to commit; in steps, the next one mostly fits where this one lies. */
const STEP = 1024;

/**
 * Keeps a checkpoint: written anew and renamed into its place, so that a crash leaves the old one or the new one. On a
 * full disk it is written over the old one where that is large enough, as that takes no room: the end of a run that a
 * full disk stopped has to be told, or what it delivered would be delivered again.
 * @throws SluiceError SLUICE_CHECKPOINT
 */
export const keepCheckpoint = async (path: string, checkpoint: object): Promise<void> => {
  const text = `${JSON.stringify(checkpoint, null, 2)}\n`;
  const bytes = Buffer.byteLength(text);
  const padded = Buffer.from(text + ' '.repeat(Math.ceil(bytes / STEP) * STEP - bytes));
  try {
    await replace(path, padded);
  } catch (error) {
    if (isFull(error) && (await overwrite(path, padded))) return;
    throw new SluiceError('SLUICE_CHECKPOINT', `the checkpoint cannot be written: ${messageOf(error)}`, {
      place: path,
      hint: 'Make room for it, or name another place. What was delivered stays; --resume goes on from the last checkpoint that could be written.',
      cause: error,
    });
  }
};

/** No room on the disk, or none left to this user. */
const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

const replace = async (path: string, bytes: Buffer): Promise<void> => {
  const temporary = `${path}.tmp`;
  mkdirSync(dirname(path), { recursive: true });
  await using(await open(temporary, 'w'), (file) => file.writeFile(bytes));
  await rename(temporary, path);
};

const overwrite = async (path: string, bytes: Buffer): Promise<boolean> => {
  try {
    return await using(await open(path, 'r+'), async (file) => {
      const { size } = await file.stat();
      if (size < bytes.length) return false;
      await file.write(Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]), 0, size, 0);
      return true;
    });
  } catch {
    return false;
  }
};

/** What is done is on the disk when it resolves. */
const using = async <T>(file: FileHandle, work: (file: FileHandle) => Promise<T>): Promise<T> => {
  try {
    const done = await work(file);
    await file.sync();
    return done;
  } finally {
    await file.close();
  }
};
