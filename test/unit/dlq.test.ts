import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import avsc from 'avsc';

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
  const out = (name = 'out.ndjson') => {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
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

const avroFile = async (document: object): Promise<Buffer> => {
  const type = avsc.Type.forSchema({ type: 'record', name: 'R', fields: [{ name: 'n', type: 'string' }] });
  const encoder = new avsc.streams.BlockEncoder(type);
  encoder.end(document);
  return Buffer.concat((await encoder.toArray()) as Buffer[]);
};

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
    for (const long of ['2020-01-01', '2020-01-01T12:00', '1577836800000'])
      assert.equal(sluice('dlq', 'list', 'p.yaml', '--json', '--until', long).stdout, '');
    const { status, stderr } = sluice('dlq', 'list', 'p.yaml', '--since', 'noon');
    assert.equal(status, 2);
    assert.match(stderr, /'noon' is invalid.+ not a time: write it like 2026-01-01T00:00:00Z/);
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

  test('a redrive that adds to the letters it reads reads each once, whatever the clock said when they failed', () => {
    const { sluice, folder } = setUp('growing');
    const path = join(folder, 'dead.ndjson');
    const [first] = readFileSync(path, 'utf8').split('\n');
    const letters = Array.from({ length: 20_000 }, (_, n) =>
      // The clock was a day ahead for some, and was set right since.
      first!.replace(
        /"@timestamp":"[^"]*"/,
        `"@timestamp":"${new Date(Date.now() + (n % 2) * 86_400_000).toISOString()}"`,
      ),
    );
    for (const name of ['dead.ndjson', 'dead.ndjson.gz']) {
      const text = `${letters.join('\n')}\n`;
      writeFileSync(join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
      writeFileSync(join(folder, 'g.yaml'), pipeline('').replace('dead.ndjson', name));
      const { status, stderr } = sluice('dlq', 'redrive', 'g.yaml');
      assert.equal(status, 0, stderr);
      assert.match(stderr, /20000 to the dead letter/);
      assert.equal(sluice('dlq', 'stats', 'g.yaml', '--json').stdout.includes('"total":40000'), true);
    }
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

  test('rows, Avro data and the like are redriven without their file, by what the letter says of them', async () => {
    const { sluice, folder, out } = setUp('formats');
    const write = (name: string, bytes: string | Buffer) => writeFileSync(join(folder, name), bytes);
    write('rows.csv', 'n;"a;b"\n"x;\n""";1\ny;2;3\n');
    write('rows.tsv', 'b\tn\n1\tx\n');
    write('hits.ndjson', '{"_index":"i","_id":"h","_source":{"n":"x"}}\n{"_index":"i","_id":"n","n":"x"}\n');
    write('bulk.ndjson', '{"update":{"_id":"u"}}\n{"doc":{"n":"1"}}\n');
    write('data.avro', await avroFile({ n: 'avro' }));
    const names = ['rows.csv', 'hits.ndjson', 'bulk.ndjson', 'data.avro'];
    const reading = (dump: string) =>
      pipeline('').replace('paths: in.ndjson', dump).replaceAll('.ndjson } }', '.all } }');
    const several = reading(`paths: [${names.join(', ')}], csv: { delimiter: ';' }`);
    write('f.yaml', several);
    write('t.yaml', reading('paths: rows.tsv'));
    for (const file of ['f.yaml', 't.yaml']) assert.equal(sluice('run', file).status, 0);
    for (const name of [...names, 'rows.tsv']) rmSync(join(folder, name));

    write('f.yaml', several.replace('tag: to-int', 'tag: to-int, ignore_failure: true'));
    const { status, stderr } = sluice('dlq', 'redrive', 'f.yaml');
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      [...out('out.all').values()].sort(),
      ['{"b":"1","n":"x"}', '{"n":"avro"}', '{"n":"x"}', '{"n":"x;\\n\\"","a;b":"1"}'].sort(),
    );
    // A row with too many cells, a line that is no hit and a part of a document are none this time either.
    assert.match(stderr, /3 to the dead letter/);
    const kept = json(sluice('dlq', 'list', 'f.yaml', '--json').stdout).map(({ type, origin }) => `${origin} ${type}`);
    for (const origin of ['rows.csv@18', 'hits.ndjson@45', 'bulk.ndjson@0'])
      assert.equal(kept.filter((line) => line === `${origin} parse_exception`).length, 2, kept.join('\n'));
  });

  test('a letter without room for its schema, or with one that nobody knows, is left out', () => {
    const { sluice, folder } = setUp('schemas');
    const letter = (raw: object) =>
      JSON.stringify({
        '@timestamp': '2026-01-01T00:00:00Z',
        document: { id: 'a' },
        error: { type: 't', message: 'm' },
        origin: { path: 'a.avro', position: 1, source: 'file', stream: 'p' },
        raw: { base64: 'eyJu', bytes: 3, cut: false, ...raw },
      });
    const letters = [letter({ codec_left_out: true }), letter({ codec: { csv: 1 } })];
    appendFileSync(join(folder, 'dead.ndjson'), `${letters.join('\n')}\n`);
    const { status, stderr } = sluice('dlq', 'redrive', 'p.yaml', '--type', 't');
    assert.equal(status, 4);
    assert.match(stderr, /2 dead letters were left out: 1 hold only a part of their record, 1 cannot be read/);
  });

  test('a stream without dead letters says so', () => {
    const { sluice, folder } = setUp('none');
    writeFileSync(join(folder, 'n.yaml'), pipeline('').replace(/dead_letter:.*\n/, ''));
    const { status, stderr } = sluice('dlq', 'list', 'n.yaml');
    assert.equal(status, 2);
    assert.match(stderr, /no dead letters that can be read/);
  });
});
