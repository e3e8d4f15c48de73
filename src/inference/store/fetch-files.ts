import { mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Downloaded, download, type WantedFile } from '../../connections/model_files/download.ts';
import type { Patience } from '../../connections/model_files/settings.ts';
import { SluiceError } from '../../core/errors.ts';
import { unwritable } from './durable-file.ts';
import { shownBytes } from './shown-bytes.ts';

/** How far a download is. */
export interface FetchProgress {
  /** @param total undefined where a server does not say */
  start(total: number | undefined): void;
  /** Bytes that are there now. */
  update(file: string, bytes: number): void;
  stop(): void;
}

export interface FetchSettings {
  readonly token: string | undefined;
  readonly patience: Patience;
  /** Bytes of a model at most. */
  readonly max_size: number;
  readonly progress: FetchProgress;
}

const MOST_FILES = 200;

/** Fetches the files of a model into a folder, going on where an earlier try stopped. @throws SluiceError */
export const fetchFiles = async (
  wanted: readonly WantedFile[],
  folder: string,
  place: string,
  { token, patience, max_size, progress }: FetchSettings,
): Promise<Record<string, Downloaded>> => {
  if (wanted.length > MOST_FILES)
    throw new SluiceError('SLUICE_MODEL_INVALID', `${wanted.length} files are more than a model has`, { place });
  const known = wanted.every(({ size }) => size !== undefined);
  const total = wanted.reduce((sum, { size = 0 }) => sum + size, 0);
  if (total > max_size)
    throw new SluiceError('SLUICE_MODEL_INVALID', `the model has ${shownBytes(total)}`, {
      place,
      hint: `At most ${shownBytes(max_size)} are fetched: --max-size allows more, --quantized chooses smaller weights.`,
    });
  try {
    await mkdir(folder, { recursive: true });
    await checkRoom(folder, total);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw unwritable(folder, error);
  }
  progress.start(known ? total : undefined);
  try {
    let bytes = 0;
    const sums: Record<string, Downloaded> = {};
    for (const file of wanted) {
      sums[file.name] = await download(file, join(folder, file.name), {
        token,
        patience,
        most: max_size,
        count: (more) => {
          bytes += more;
          progress.update(file.name, bytes);
        },
      });
      if (bytes > max_size)
        throw new SluiceError('SLUICE_MODEL_INVALID', `the model has more than ${shownBytes(max_size)}`, {
          place,
          hint: '--max-size allows more.',
        });
    }
    return sums;
  } finally {
    progress.stop();
  }
};

/** A disk that fills up harms others too; what was fetched already counts as room. */
const checkRoom = async (folder: string, total: number): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const there = await bytesIn(folder);
  if (free + there >= total) return;
  throw new SluiceError('SLUICE_MODEL_STORE', `the model has ${shownBytes(total)}, and ${shownBytes(free)} are free`, {
    place: folder,
    hint: 'Make room, or name another folder with SLUICE_MODELS.',
  });
};

const bytesIn = async (folder: string): Promise<number> => {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size;
  return sum;
};
