// Writes the files that are made from the definitions in src: `npm run generate`.
import { writeFileSync } from 'node:fs';
import { generated } from '../src/cli/generated.ts';

for (const [path, text] of Object.entries(generated())) writeFileSync(new URL(`../${path}`, import.meta.url), text);
