import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Ended, runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-supervisor-'));
after(() => rmSync(folder, { recursive: true }));

const run = (...args: readonly string[]): Promise<Ended> => runSluice(folder, 'run', ...args);

const DOCUMENTS = 20_000;
const good = Array.from({ length: DOCUMENTS }, (_, n) => `{"n":${n}}\n`).join('');
writeFileSync(join(folder, 'good.ndjson'), good);
writeFileSync(join(folder, 'bad.ndjson'), '{"n":1}\n{"n":\n{"n":3}\n');

/** A pipeline file that copies a dump to a file called as the pipeline file is. */
const copy = (file: string, dump: string, more = ''): string => {
  writeFileSync(
    join(folder, file),
    `${more}source: { dump: { paths: ${dump} } }\nsink: { file: { path: ${file}.out, format: ndjson } }\n`,
  );
  return file;
};

test('two streams in one process that both go through', async () => {
  const { code, stderr, stdout } = await run(
    copy('one.yaml', 'good.ndjson'),
    copy('two.yaml', 'good.ndjson'),
    '--json',
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { stream: string; delivered: number })
      .map(({ stream, delivered }) => [stream, delivered]),
    [
      ['one', DOCUMENTS],
      ['two', DOCUMENTS],
    ],
  );
  for (const name of ['one', 'two']) assert.equal(readFileSync(join(folder, `${name}.yaml.out`), 'utf8'), good);
});

for (const order of ['first', 'last'] as const)
  test(`a stream that fails, given ${order}, ends alone: the other completes, and the status tells of it`, async () => {
    const failing = copy(`fails-${order}.yaml`, 'bad.ndjson');
    const whole = copy(`whole-${order}.yaml`, 'good.ndjson');
    const { code, stderr } = await run(...(order === 'first' ? [failing, whole] : [whole, failing]));
    assert.equal(code, 7, stderr);
    assert.match(stderr, /a stream ended; the others go on/);
    assert.match(stderr, /SLUICE_DOCUMENT_FAILED/);
    assert.match(stderr, /bad\.ndjson@8/);
    assert.equal(readFileSync(join(folder, `${whole}.out`), 'utf8'), good);
    assert.equal(existsSync(join(folder, `${failing}.out`)), false);
  });

test('when one stream cannot start, none runs', async () => {
  const whole = copy('started.yaml', 'good.ndjson');
  const { code, stderr } = await run(whole, copy('nowhere.yaml', 'nowhere.ndjson'));
  assert.equal(code, 4, stderr);
  assert.match(stderr, /the dump cannot be read/);
  assert.equal(existsSync(join(folder, `${whole}.out`)), false);
});

test('two files of one name are refused, whether the name is given or the file’s own', async () => {
  mkdirSync(join(folder, 'other'));
  for (const [name, files] of [
    ['twin', [copy('twin.yaml', 'good.ndjson'), copy('other/twin.yaml', 'good.ndjson')]],
    ['given', [copy('left.yaml', 'good.ndjson', 'name: given\n'), copy('right.yaml', 'good.ndjson', 'name: given\n')]],
    ['same', [copy('same.yaml', 'good.ndjson'), 'same.yaml']],
  ] as const) {
    const { code, stderr } = await run(...files);
    assert.equal(code, 3, stderr);
    assert.match(stderr, new RegExp(`two streams are called \\[${name}\\]`));
    assert.match(stderr, /Give each file a name of its own/);
    for (const file of files) assert.equal(existsSync(join(folder, `${file}.out`)), false);
  }
});
