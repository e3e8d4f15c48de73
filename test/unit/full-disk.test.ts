import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const bin = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'sluice-full-'));
after(() => rmSync(base, { recursive: true }));

const DOCUMENTS = 20_000;
const dump = Array.from({ length: DOCUMENTS }, (_, n) => `{"n":${n},"x":"${((n * 7919) % 1e9).toString(36)}"}\n`).join(
  '',
);

/** A folder with a dump and a stream; files of a process may hold so many KiB, where it says so. */
const setUp = (name: string, out: string, deadLetter = '', processors = '[]') => {
  const folder = join(base, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'in.ndjson'), dump);
  writeFileSync(
    join(folder, 'p.yaml'),
    `source: { dump: { paths: in.ndjson } }\nprocessors: ${processors}\nsink: { file: { path: ${out}, format: ndjson } }\n${deadLetter}limits: { dead_letter_ratio: 1 }\n`,
  );
  const replay = (kib: number | 'unlimited', ...more: string[]) => {
    const { status, stderr } = spawnSync(
      'bash',
      [
        '-c',
        `ulimit -f ${kib}; exec "$0" "$@"`,
        process.execPath,
        bin,
        'replay',
        'p.yaml',
        '--from',
        'in.ndjson',
        ...more,
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.doesNotMatch(stderr, /^\s+at .*\.js:/m, 'a stack is shown');
    return { status, stderr };
  };
  const read = (file: string) => readFileSync(join(folder, file));
  return { folder, replay, read };
};
const CHECKPOINT = '.sluice/p.yaml.checkpoint.json';

describe('a replay on a full disk', () => {
  for (const out of ['out.ndjson', 'out.ndjson.gz'])
    test(`stops with the reason and the way out, and goes on exactly once there is room: ${out}`, () => {
      const { replay, read } = setUp(out, out);
      const { status, stderr } = replay(100);
      assert.equal(status, 5, stderr);
      assert.match(
        stderr,
        /the file cannot be written: EFBIG.*\n +at out\.ndjson.*\n +Make room.*--resume.*\n +\(SLUICE_SINK_UNWRITABLE\)/,
      );
      const again = replay('unlimited', '--resume');
      assert.equal(again.status, 0, again.stderr);
      const whole = out.endsWith('.gz') ? gunzipSync(read(out)) : read(out);
      assert.equal(whole.toString(), dump);
    });

  test('where not even the next checkpoint has room goes on exactly as well', () => {
    const { folder, replay, read } = setUp('both', 'out.ndjson');
    assert.equal(replay('unlimited', '--limit', '10').status, 0);
    symlinkSync('/dev/full', join(folder, `${CHECKPOINT}.tmp`));
    assert.equal(replay(200, '--resume').status, 5);
    assert.equal(replay('unlimited', '--resume').status, 0);
    assert.equal(read('out.ndjson').toString(), dump);
  });

  test('that cannot keep a checkpoint from the start does not start', () => {
    const { folder, replay } = setUp('none', 'out.ndjson');
    mkdirSync(join(folder, '.sluice'));
    symlinkSync('/dev/full', join(folder, `${CHECKPOINT}.tmp`));
    const { status, stderr } = replay('unlimited');
    assert.equal(status, 8);
    assert.match(
      stderr,
      /the checkpoint cannot be written: ENOSPC.*\n +at \.sluice.*\n +Make room.*\n +\(SLUICE_CHECKPOINT\)/,
    );
  });

  test('that cannot keep a dead letter stops in front of it, and has every one once there is room', () => {
    const { folder, replay, read } = setUp(
      'dead',
      'out.ndjson',
      // So many that a batch of dead letters is the first to find no room, and not the first to be written.
      'dead_letter: { file: { path: dead.ndjson } }\n',
      '[{ fail: { if: ctx.n % 4 == 3, message: no } }]',
    );
    const { status, stderr } = replay(150);
    assert.equal(status, 5, stderr);
    assert.match(stderr, /at dead\.ndjson\n +Make room.*Nothing was committed past what could not be kept/);
    assert.ok(statSync(join(folder, 'dead.ndjson')).size > 0);
    const resumed = replay('unlimited', '--resume');
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.equal(read('out.ndjson').toString().match(/\n/g)!.length >= DOCUMENTS * 0.75, true);
    const letters = read('dead.ndjson').toString().trimEnd().split('\n');
    const whole = letters.flatMap((line) => {
      try {
        return [(JSON.parse(line) as { document: { source: { n: number } } }).document.source.n];
      } catch {
        return [];
      }
    });
    assert.ok(letters.length - whole.length <= 1, 'one line at most was cut off');
    assert.equal(new Set(whole).size, DOCUMENTS / 4);
    const written = read('out.ndjson').toString().trimEnd().split('\n');
    assert.equal(new Set(written).size, DOCUMENTS * 0.75);
  });
});
