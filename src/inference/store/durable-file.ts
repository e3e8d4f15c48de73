import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';

/** Makes what a rename or a write did outlive a crash of the machine. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch {
    // Some file systems do not sync folders; there is nothing better to do.
  } finally {
    await handle.close();
  }
};

/** Replaces a file as a whole: whoever reads it sees the old or the new one, whenever the process ends. */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.new`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw unwritable(path, error);
  }
};

export const unwritable = (path: string, error: unknown): SluiceError =>
  new SluiceError('SLUICE_MODEL_STORE', `the model store cannot be written: ${messageOf(error)}`, {
    place: path,
    hint: 'SLUICE_MODELS names another folder for it.',
    cause: error,
  });
