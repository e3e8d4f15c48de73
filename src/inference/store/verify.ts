import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256OfFile } from '../manifest.ts';
import type { StoredModel } from './store.ts';

export interface Verified {
  readonly files: number;
  readonly bytes: number;
  /** What is wrong; empty where nothing is. */
  readonly problems: readonly string[];
}

/** Reads all files of a model again and compares their sizes and sha-256 with its manifest. */
export const verifyModel = async ({ folder, manifest, problem }: StoredModel): Promise<Verified> => {
  if (manifest === undefined) return { files: 0, bytes: 0, problems: [problem ?? 'sluice.json cannot be read'] };
  const problems: string[] = [];
  let bytes = 0;
  for (const [file, wanted] of Object.entries(manifest.sha256)) {
    const path = join(folder, file);
    if (!existsSync(path)) {
      problems.push(`${file} is missing`);
      continue;
    }
    const { size } = statSync(path);
    bytes += size;
    const wantedSize = manifest.size?.[file];
    if (wantedSize !== undefined && size !== wantedSize)
      problems.push(`${file} has ${size} bytes and had ${wantedSize}`);
    else {
      const found = await sha256OfFile(path);
      if (found !== wanted) problems.push(`the sha-256 of ${file} is ${found} and was ${wanted}`);
    }
  }
  return { files: Object.keys(manifest.sha256).length, bytes, problems };
};

/** Bytes of a model's files. */
export const sizeOf = ({ folder, manifest }: StoredModel): number =>
  manifest === undefined
    ? 0
    : Object.keys(manifest.sha256).reduce((sum, file) => {
        const known = manifest.size?.[file] ?? statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0;
        return sum + known;
      }, 0);
