// Builds after an install where sources and TypeScript are present; an install from a packed tarball or with
// --omit=dev has nothing to build and must not fail.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const here = (path) => new URL(`../${path}`, import.meta.url);
if (!existsSync(here('src')) || !existsSync(here('node_modules/typescript'))) process.exit(0);
const build = spawnSync(process.execPath, [here('scripts/build.mjs').pathname], { stdio: 'inherit' });
process.exit(build.status ?? 1);
