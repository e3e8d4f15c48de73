import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.ts';
import { unwritable } from './durable-file.ts';

/** How often a holder shows that it lives, and how long one that shows nothing is watched before it counts as gone. */
export interface LockPace {
  readonly beat_ms: number;
  readonly watch_ms: number;
}
const PACE: LockPace = { beat_ms: 2000, watch_ms: 12_000 };

const held = new Set<string>();

/**
 * Runs `work` while no other process does so under the same name.
 * A holder counts in its file. Clocks of several machines agree as little as their process ids do, so whether it still
 * lives is seen by watching the count.
 * @throws SluiceError SLUICE_MODEL_STORE when a living process holds it
 */
export const withLock = async <T>(
  store: string,
  name: string,
  work: () => Promise<T>,
  pace: LockPace = PACE,
): Promise<T> => {
  const path = join(store, '.locks', `${name}.lock`);
  const handle = await take(store, path, pace);
  held.add(path);
  let count = 0;
  const timer = setInterval(() => void write(handle, ++count), pace.beat_ms);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    held.delete(path);
    await handle.close();
    await rm(path, { force: true });
  }
};

const take = async (store: string, path: string, pace: LockPace): Promise<FileHandle> => {
  try {
    await mkdir(join(store, '.locks'), { recursive: true });
  } catch (error) {
    throw unwritable(store, error);
  }
  for (;;) {
    try {
      const handle = await open(path, 'wx');
      await write(handle, 0);
      return handle;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error);
    }
    const dead = await watch(path, pace);
    if (dead === undefined) continue;
    // Of several that saw it dead only one can move it away; another's new lock must not go with it.
    const aside = `${path}.${crypto.randomUUID().slice(0, 8)}`;
    try {
      await rename(path, aside);
      if ((await readFile(aside, 'utf8')) === dead) await rm(aside, { force: true });
      else await rename(aside, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unwritable(path, error);
    }
  }
};

const write = async (handle: FileHandle, count: number): Promise<void> => {
  const text = `${JSON.stringify({ host: hostname(), pid: process.pid, count }).padEnd(300)}\n`;
  // A beat that fails is one that is not seen.
  await handle.write(text, 0).catch(() => {});
};

/** The content of a lock whose holder is gone; undefined where the lock is. @throws SluiceError where it lives */
const watch = async (path: string, { watch_ms, beat_ms }: LockPace): Promise<string | undefined> => {
  const first = await content(path);
  if (first === undefined) return undefined;
  const holder = holderOf(first);
  if (held.has(path)) throw busy(path, process.pid, hostname());
  if (holder?.host === hostname() && (holder.pid === process.pid || !lives(holder.pid))) return first;
  const until = performance.now() + watch_ms;
  while (performance.now() < until) {
    await sleep(beat_ms / 4);
    const now = await content(path);
    if (now === undefined) return undefined;
    if (now !== first) {
      const { pid, host } = holderOf(now) ?? {};
      throw busy(path, pid, host);
    }
  }
  return first;
};

const content = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
};

const holderOf = (text: string): { host: string; pid: number } | undefined => {
  try {
    return JSON.parse(text) as { host: string; pid: number };
  } catch {
    return undefined;
  }
};

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const busy = (path: string, pid: number | undefined, host: string | undefined): SluiceError =>
  new SluiceError('SLUICE_MODEL_STORE', `process ${pid ?? '?'} on ${host ?? '?'} is changing the same model`, {
    place: path,
    hint: 'Wait until it is done.',
  });
