import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const ENDING = '.results';
/** Every process that has something new begins a segment, and each takes a file handle in all of them. */
const MAX_SEGMENTS = 256;

export const segmentName = (): string => `${Date.now().toString(36)}-${crypto.randomUUID().slice(0, 8)}${ENDING}`;

export interface FoundSegment {
  readonly name: string;
  readonly bytes: number;
  readonly used: number;
}

/** The segments of all processes, those that were useful last first. */
export const listSegments = async (folder: string): Promise<FoundSegment[]> => {
  const found: FoundSegment[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ENDING)) continue;
    try {
      const { size, mtimeMs } = await stat(join(folder, name));
      found.push({ name, bytes: size, used: mtimeMs });
    } catch {
      // Another process evicted it just now.
    }
  }
  return found.sort((a, b) => b.used - a.used || (a.name < b.name ? 1 : -1));
};

/** Removes what was of use longest ago until the others take no more than `limit`; answers with those. */
export const evict = async (folder: string, limit: number): Promise<FoundSegment[]> => {
  const kept: FoundSegment[] = [];
  let bytes = 0;
  let full = false;
  for (const segment of await listSegments(folder)) {
    full ||= bytes + segment.bytes > limit || kept.length >= MAX_SEGMENTS;
    if (full) await rm(join(folder, segment.name), { force: true });
    else {
      bytes += segment.bytes;
      kept.push(segment);
    }
  }
  return kept;
};
