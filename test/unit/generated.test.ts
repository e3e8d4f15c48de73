import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generated } from '../../src/cli/generated.ts';
import { loadStream } from '../../src/cli/load-stream.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const log = { info() {}, warn() {} };

for (const [path, text] of Object.entries(generated())) {
  test(`${path} is what the definitions say (npm run generate)`, () =>
    assert.equal(readFileSync(root + path, 'utf8'), text));
}

for (const file of globSync('pipelines/*.yaml', { cwd: root })) {
  test(`${file} is valid`, () => {
    const { mistakes } = loadStream(root + file, log);
    assert.deepEqual(mistakes, []);
  });
}
