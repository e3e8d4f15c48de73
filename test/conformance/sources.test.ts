import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
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

const newSource = (paths: readonly string[], checkpoint: string, resume: boolean, options: object = {}) =>
  new DumpSource({
    options: dumpSourceOptions.parse({ paths, codec: { json: {} }, checkpoint, ...options }),
    stream: 'conformance',
    resume,
    defaultIds: true,
  });

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
      create: (resumed) => newSource([...values.keys()], join(own, 'checkpoint.json'), resumed),
    };
  });
}

const bzip2 = (file: string) => fileURLToPath(new URL(`../fixtures/bzip2/${file}.ndjson.bz2`, import.meta.url));

sourceContract('dump of two files.bz2', async () => {
  count += 1;
  const lines = (file: string) => Array.from({ length: 500 }, (_, n) => JSON.stringify({ file, n }));
  const values = new Map(['a', 'b'].map((file) => [bzip2(file), lines(file)]));
  return {
    values,
    create: (resumed) => newSource([...values.keys()], join(folder, `${count}.json`), resumed),
  };
});

/** How each format writes a record down: as its own text, and around it. */
const FORMATS: Readonly<
  Record<string, { record: (n: number) => string; text: (records: readonly string[]) => string }>
> = {
  json: { record: (n) => `{ "n": ${n},\n "x": "]" }`, text: (records) => `[\n${records.join(',\n')}\n]\n` },
  bulk: {
    record: (n) => `{"n":${n}}`,
    text: (records) => records.map((record, n) => `{"index":{"_id":"${n}"}}\n${record}\n`).join(''),
  },
  elasticdump: {
    record: (n) => `{"n":${n}}`,
    text: (records) => records.map((record, n) => `{"_index":"i","_id":"${n}","_source":${record}}\n`).join(''),
  },
  csv: { record: (n) => `${n},"a ""b""\n${n}"`, text: (records) => `n,text\r\n${records.join('\r\n')}` },
  tsv: { record: (n) => `${n}\ta,b`, text: (records) => `n\ttext\n${records.join('\n')}\n` },
};

for (const [format, { record, text }] of Object.entries(FORMATS)) {
  sourceContract(`dump as ${format}`, async () => {
    count += 1;
    const path = join(folder, `${count}.${format}.gz`);
    const records = Array.from({ length: 500 }, (_, n) => record(n));
    writeFileSync(path, gzipSync(text(records)));
    return {
      values: new Map([[path, records]]),
      create: (resumed) => newSource([path], join(folder, `${count}.json`), resumed, { format }),
    };
  });
}
