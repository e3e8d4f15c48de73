import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'sluice-dlq-'));
after(() => rmSync(base, { recursive: true }));

const pipeline = (convert: string) => `
source: { dump: { paths: in.ndjson } }
processors:
  - convert: { field: n, type: integer, tag: to-int${convert} }
  - fail: { if: ctx.n == 7, tag: seven, message: seven is wrong }
sink: { file: { path: out.ndjson } }
dead_letter: { file: { path: dead.ndjson } }
limits: { dead_letter_ratio: 1 }
`;

/** A folder with a stream that has run once and left four dead letters of three kinds. */
const setUp = (name: string) => {
  const folder = join(base, name);
  mkdirSync(folder);
  const sluice = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: folder, encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  writeFileSync(join(folder, 'p.yaml'), pipeline(''));
  writeFileSync(join(folder, 'corrected.yaml'), pipeline(', ignore_failure: true'));
  writeFileSync(join(folder, 'in.ndjson'), '{"n":"1"}\n{"n":"x"}\n{"n":7}\n{"n":"y"}\n{"broken\n{"n":6}\n');
  assert.equal(sluice('run', 'p.yaml').status, 0);
  const out = () => {
    const lines = readFileSync(join(folder, 'out.ndjson'), 'utf8').trimEnd().split('\n');
    return new Map(
      lines.flatMap((line, at) =>
        at % 2 === 0 ? [[(JSON.parse(line) as { index: { _id: string } }).index._id, lines[at + 1]!]] : [],
      ),
    );
  };
  return { folder, sluice, out };
};
const json = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, never>);

describe('sluice dlq', () => {
  test('list shows where and why, and no contents', () => {
    const { sluice } = setUp('list');
    const { stdout } = sluice('dlq', 'list', 'p.yaml');
    assert.match(stdout, /^TIME +TYPE +STEP +ORIGIN\n/);
    assert.match(stdout, /illegal_argument_exception +to-int +in\.ndjson@10\n/);
    assert.match(stdout, /parse_exception +- +in\.ndjson@38\n/);
    assert.doesNotMatch(stdout, /seven is wrong|"n"/);
    assert.deepEqual(
      json(sluice('dlq', 'list', 'p.yaml', '--json', '--tag', 'to-int').stdout).map(({ origin }) => origin),
      ['in.ndjson@10', 'in.ndjson@28'],
    );
    assert.match(sluice('dlq', 'list', 'p.yaml', '--limit', '1').stdout, /and 3 more/);
    assert.equal(sluice('dlq', 'list', 'p.yaml', '--json', '--until', '2020-01-01').stdout, '');
  });

  test('stats count each kind', () => {
    const { sluice } = setUp('stats');
    const { total, kinds } = json(sluice('dlq', 'stats', 'p.yaml', '--json').stdout)[0]! as unknown as {
      total: number;
      kinds: { type: string; step: string; count: number }[];
    };
    assert.equal(total, 4);
    assert.deepEqual(
      kinds.map(({ type, step, count }) => [type, step, count]),
      [
        ['illegal_argument_exception', 'to-int', 2],
        ['fail_processor_exception', 'seven', 1],
        ['parse_exception', '-', 1],
      ],
    );
  });

  test('show prints the whole letter and the record as it came', () => {
    const { sluice } = setUp('show');
    const { stdout } = sluice('dlq', 'show', 'p.yaml', 'in.ndjson@20');
    assert.match(stdout, /"message": "seven is wrong"/);
    assert.match(stdout, /the record as it came:\n\{"n":7\}\n/);
    const { status, stderr } = sluice('dlq', 'show', 'p.yaml', 'nothing');
    assert.equal(status, 2);
    assert.match(stderr, /no dead letter has the id or origin \[nothing\]/);
  });

  test('redrive through a corrected pipeline adds what failed, under the ids it would have had; twice is as once', () => {
    const { sluice, out } = setUp('redrive');
    assert.equal(out().size, 2);
    const ids = json(sluice('dlq', 'list', 'p.yaml', '--json').stdout).map(({ id }) => String(id));
    const filter = ['--type', 'illegal_argument_exception'];
    assert.equal(sluice('dlq', 'redrive', 'p.yaml', '--pipeline', 'corrected.yaml', ...filter).status, 0);
    assert.equal(out().size, 4);
    assert.equal(out().get(ids[0]!), '{"n":"x"}');
    assert.equal(sluice('dlq', 'redrive', 'p.yaml', '--pipeline', 'corrected.yaml', ...filter).status, 0);
    assert.equal(out().size, 4, 'the same ids again');
  });

  test('what fails again is kept again, and does not go round', () => {
    const { sluice } = setUp('again');
    const { status, stderr } = sluice('dlq', 'redrive', 'p.yaml');
    assert.equal(status, 0);
    assert.match(stderr, /4 to the dead letter/);
    assert.equal(json(sluice('dlq', 'list', 'p.yaml', '--json').stdout).length, 8);
  });

  test('--resume goes on behind what was redriven', () => {
    const { sluice, out } = setUp('resume');
    const redrive = ['dlq', 'redrive', 'p.yaml', '--pipeline', 'corrected.yaml'];
    assert.equal(sluice(...redrive, '--limit', '1').status, 0);
    assert.equal(out().size, 3);
    const { stderr } = sluice(...redrive, '--resume', '--tag', 'to-int');
    assert.match(stderr, /: 1 documents/);
    assert.equal(out().size, 4);
  });

  test('a letter that holds only a part of its record is named and left out', () => {
    const { sluice, folder } = setUp('cut');
    const cut = { '@timestamp': '2026-01-01T00:00:00Z', document: { id: 'a' }, error: { type: 't', message: 'm' } };
    const origin = { topic: 'news', partition: 3, offset: 17, source: 'kafka', stream: 'p' };
    const letter = { ...cut, origin, raw: { base64: 'eyJu', bytes: 99, cut: true } };
    appendFileSync(join(folder, 'dead.ndjson'), `${JSON.stringify(letter)}\n{"@timestamp":"cut off`);
    const { status, stderr } = sluice(
      'dlq',
      'redrive',
      'p.yaml',
      '--pipeline',
      'corrected.yaml',
      '--tag',
      'none',
      '--topic',
      'news',
    );
    assert.equal(status, 4);
    assert.match(stderr, /1 dead letters were left out: 0 hold only a part/);
    const named = sluice('dlq', 'redrive', 'p.yaml', '--pipeline', 'corrected.yaml', '--topic', 'news');
    assert.match(named.stderr, /only a part of the record was kept.*origin=news-3@17/);
    assert.match(named.stderr, /2 dead letters were left out: 1 hold only a part of their record, 1 cannot be read/);
  });

  test('a stream without dead letters says so', () => {
    const { sluice, folder } = setUp('none');
    writeFileSync(join(folder, 'n.yaml'), pipeline('').replace(/dead_letter:.*\n/, ''));
    const { status, stderr } = sluice('dlq', 'list', 'n.yaml');
    assert.equal(status, 2);
    assert.match(stderr, /no dead letters that can be read/);
  });
});
