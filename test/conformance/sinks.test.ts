import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FileSink } from '../../src/sinks/file/sink.ts';
import { unzstd } from '../support/unzstd.ts';
import { sinkContract } from './sink-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-sinks-'));
after(() => rmSync(folder, { recursive: true }));

const READ: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  '': (bytes) => bytes,
  '.gz': gunzipSync,
  '.zst': unzstd,
};
let count = 0;

for (const [ending, read] of Object.entries(READ)) {
  for (const format of ['ndjson', 'bulk'] as const) {
    sinkContract(`file ${format}${ending}`, async () => {
      count += 1;
      const path = join(folder, `${count}.ndjson${ending}`);
      return {
        sink: new FileSink({ options: { path, format }, index: undefined, id: undefined, resume: false }),
        written: async () => {
          const lines = read(readFileSync(path)).toString('utf8').trimEnd().split('\n');
          return format === 'bulk' ? lines.filter((_, index) => index % 2 === 1) : lines;
        },
      };
    });
  }
}
