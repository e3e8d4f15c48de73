import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { systemClock } from '../../src/core/clock.ts';
import { dumpSourceOptions } from '../../src/sources/dump/options.ts';
import { DumpSource } from '../../src/sources/dump/source.ts';
import { sourceContract } from './source-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-sources-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

const COMPRESS: Readonly<Record<string, (text: string) => Buffer>> = {
  '': Buffer.from,
  '.gz': gzipSync,
  '.zst': zstdCompressSync,
};

for (const [ending, compress] of Object.entries(COMPRESS)) {
  sourceContract(`dump of two files${ending}`, async () => {
    count += 1;
    const own = join(folder, String(count));
    mkdirSync(own);
    const values = new Map<string, string[]>();
    for (const file of ['a', 'b']) {
      const path = join(own, `${file}.ndjson${ending}`);
      const lines = Array.from({ length: 500 }, (_, n) => JSON.stringify({ file, n }));
      writeFileSync(path, compress(`${lines.join('\n')}\n`));
      values.set(path, lines);
    }
    return {
      values,
      create: (resumed) =>
        new DumpSource({
          options: dumpSourceOptions.parse({
            paths: [...values.keys()],
            codec: { json: {} },
            checkpoint: join(own, 'checkpoint.json'),
          }),
          stream: 'conformance',
          clock: systemClock,
          resume: resumed,
          limit: undefined,
          rate: undefined,
          defaultIds: true,
        }),
    };
  });
}
