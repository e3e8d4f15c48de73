import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../inference/package-root.ts';

/** Of this package. */
export const versionOf = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
