import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
after(() => rmSync(folder, { recursive: true }));

const DOCUMENTS = 4000;
const dump = Array.from(
  { length: DOCUMENTS },
  (_, n) => `${JSON.stringify({ n: n % 3900, text: `document ${n % 3900} ${'x'.repeat(200)}` })}\n`,
).join('');

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

const start = (args: readonly string[], input?: string): { child: ChildProcess; ended: Promise<Ended> } => {
  const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  let stdout = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  // Whoever has read enough closes its input.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stderr, stdout })));
  return { child, ended };
};

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const pipelineFor = (name: string, out: string): string => {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `name: ${name}\nsource: { kafka: { brokers: nowhere:1, topics: t, group_id: g } }\nprocessors: [{ set: { field: seen, value: true } }]\nsink: { file: { path: ${out}, index: i } }\nlimits: { commit_interval: 50ms }\n`,
  );
  return file;
};

const WAYS = {
  plain: { name: 'dump.ndjson', pack: (text: string) => Buffer.from(text) },
  gzip: { name: 'dump.ndjson.gz', pack: (text: string) => gzipSync(text) },
  zstd: { name: 'dump.ndjson.zst', pack: (text: string) => zstdCompressSync(text) },
} as const;

const idsOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .filter((_, index) => index % 2 === 0)
    .map((line) => (JSON.parse(line) as { index: { _id: string } }).index._id);

describe('a replay that is killed with SIGKILL and resumed', () => {
  let reference: string[];
  for (const [way, { name, pack }] of Object.entries(WAYS)) {
    test(`${way}: every document is there, under the same ids, and only those in flight are repeated`, async () => {
      writeFileSync(join(folder, name), pack(dump));
      const out = join(folder, `${way}.ndjson`);
      const file = pipelineFor(way, out);
      const checkpoint = join(folder, `.sluice/${way}.checkpoint.json`);
      const { child, ended } = start(['replay', file, '--from', name, '--rate', '3000']);
      const position = () =>
        existsSync(checkpoint)
          ? Number(
              (JSON.parse(readFileSync(checkpoint, 'utf8')) as { files: { position: string }[] }).files[0]?.position ??
                0,
            )
          : 0;
      await until(() => position() > dump.length / 4);
      child.kill('SIGKILL');
      await ended;
      assert.ok(position() < dump.length, 'it was over before it was killed');
      assert.equal(existsSync(out), false);
      const resumed = await start(['replay', file, '--from', name, '--resume', '--json']).ended;
      assert.equal(resumed.code, 0, resumed.stderr);
      const { documents } = JSON.parse(resumed.stdout) as { documents: number };
      assert.ok(documents < DOCUMENTS, `${documents} were read again`);
      const ids = idsOf(readFileSync(out, 'utf8'));
      const distinct = [...new Set(ids)];
      assert.equal(distinct.length, DOCUMENTS);
      assert.ok(ids.length - DOCUMENTS <= 2000, `${ids.length - DOCUMENTS} were repeated`);
      reference ??= distinct;
      assert.deepEqual(
        new Set(distinct),
        new Set(reference),
        'the same records have the same ids however they are packed',
      );
    });
  }

  test('renaming and splitting a dump keep the ids', async () => {
    const lines = dump.trimEnd().split('\n');
    writeFileSync(join(folder, 'part-1.ndjson'), `${lines.slice(0, 1000).join('\n')}\n`);
    writeFileSync(join(folder, 'part-2.ndjson'), lines.slice(1000).join('\n'));
    const out = join(folder, 'split.ndjson');
    const { code, stderr } = await start(['replay', pipelineFor('split', out), '--from', 'part-*.ndjson']).ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(new Set(idsOf(readFileSync(out, 'utf8'))), new Set(reference));
  });

  test('a dump that changed is refused', async () => {
    renameSync(join(folder, 'dump.ndjson'), join(folder, 'old.ndjson'));
    writeFileSync(join(folder, 'dump.ndjson'), '{"other":1}\n');
    const { code, stderr } = await start(['replay', join(folder, 'plain.yaml'), '--from', 'dump.ndjson', '--resume'])
      .ended;
    assert.equal(code, 8);
    assert.match(stderr, /not the one that the checkpoint knows/);
  });
});

describe('a replay', () => {
  test('of a bulk body that sluice has written gives it back, ids and all', async () => {
    const [first, second] = [join(folder, 'once.ndjson.gz'), join(folder, 'twice.ndjson')];
    for (const [name, from, out] of [
      ['once', '-', first],
      ['twice', first, second],
    ] as const) {
      const { code, stderr } = await start(['replay', pipelineFor(name, out), '--from', from], dump).ended;
      assert.equal(code, 0, stderr);
    }
    assert.equal(readFileSync(second, 'utf8'), gunzipSync(readFileSync(first)).toString());
  });

  test('takes files of several formats at once, or the one that is said', async () => {
    writeFileSync(join(folder, 'some-1.json'), '[{"n":1},\n{"n":2}]');
    writeFileSync(join(folder, 'some-2.csv'), 'n\n3\n');
    const out = join(folder, 'several.ndjson');
    const file = pipelineFor('several', out);
    const { code, stderr } = await start(['replay', file, '--from', 'some-*']).ended;
    assert.equal(code, 0, stderr);
    const lines = readFileSync(out, 'utf8').split('\n');
    assert.deepEqual(
      [1, 3, 5].map((index) => lines[index]),
      ['{"n":1,"seen":true}', '{"n":2,"seen":true}', '{"n":"3","seen":true}'],
    );
    const wrong = await start(['replay', file, '--from', 'some-2.csv', '--format', 'xml']).ended;
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /Allowed choices are auto, ndjson/);
  });

  test('does not resume from the checkpoint of another pipeline', async () => {
    const out = join(folder, 'other.ndjson');
    writeFileSync(join(folder, 'own.ndjson'), '{"n":1}\n');
    const from = ['--from', 'own.ndjson', '--checkpoint', 'own.checkpoint.json'];
    assert.equal((await start(['replay', pipelineFor('own', out), ...from]).ended).code, 0);
    const { code, stderr } = await start(['replay', pipelineFor('other', out), ...from, '--resume']).ended;
    assert.equal(code, 8);
    assert.match(stderr, /the checkpoint is of the stream \[own\], not \[other\]/);
  });

  test('reads standard input, stops at --limit, and writes compressed files', async () => {
    for (const [ending, unpack] of [
      ['.gz', gunzipSync],
      ['.zst', zstdDecompressSync],
    ] as const) {
      const out = join(folder, `limited.ndjson${ending}`);
      const { code, stderr } = await start(
        ['replay', pipelineFor(`limited${ending}`, out), '--from', '-', '--limit', '25'],
        dump,
      ).ended;
      assert.equal(code, 0, stderr);
      assert.equal(idsOf(unpack(readFileSync(out)).toString()).length, 25);
    }
  });

  test('keeps what cannot be decoded in the dead letter, with reason, origin and raw bytes, and its neighbours undisturbed', async () => {
    const bad = [
      Buffer.from('{"broken":'),
      Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
      Buffer.from('[1]'),
      Buffer.from(`{"a":${'['.repeat(1001)}${']'.repeat(1001)}}`),
    ];
    const lines = [
      Buffer.from('{"n":12345678901234567890,"one":1.0,"2":"b","1":"a","__proto__":{"x":1},"constructor":2}'),
      ...bad,
      Buffer.from('{"n":2}'),
    ];
    writeFileSync(join(folder, 'mixed.ndjson'), Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    const file = join(folder, 'mixed.yaml');
    writeFileSync(
      file,
      'source: { dump: { paths: mixed.ndjson } }\nprocessors: [{ set: { field: seen, value: true } }]\nsink: { file: { path: mixed.out, format: ndjson } }\ndead_letter: { file: { path: mixed.dead } }\n',
    );
    const { code, stderr } = await start(['run', file]).ended;
    assert.equal(code, 0, stderr);
    assert.equal(
      readFileSync(join(folder, 'mixed.out'), 'utf8'),
      '{"n":12345678901234567890,"one":1.0,"2":"b","1":"a","__proto__":{"x":1},"constructor":2,"seen":true}\n{"n":2,"seen":true}\n',
    );
    const dead = readFileSync(join(folder, 'mixed.dead'), 'utf8')
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            error: { type: string; message: string };
            origin: { path: string };
            raw: { base64: string };
          },
      );
    assert.deepEqual(
      dead.map(({ error }) => error.message),
      [
        'the value is not JSON: unexpected end at offset 10',
        'the value is not JSON: invalid UTF-8 at offset 6',
        'the value is JSON, but not an object',
        'the value is not JSON: nesting deeper than 1000 at offset 0',
      ],
    );
    dead.forEach(({ raw, origin }, index) => {
      assert.deepEqual(Buffer.from(raw.base64, 'base64'), bad[index]);
      assert.equal(origin.path, 'mixed.ndjson');
    });
    assert.ok(!stderr.includes('broken'), 'document contents are in the log');
  });

  test('stops rather than lose a document where there is no dead letter', async () => {
    writeFileSync(join(folder, 'poison.ndjson'), '{"a":1}\n{"a":\n{"a":3}\n');
    const file = join(folder, 'poison.yaml');
    writeFileSync(file, 'source: { dump: { paths: poison.ndjson } }\nsink: { stdout: }\n');
    const { code, stderr } = await start(['run', file]).ended;
    assert.equal(code, 7);
    assert.match(stderr, /no dead_letter to keep it.*\n +at poison\.ndjson@8/);
  });

  test('passes a document that is larger than the whole budget, alone', async () => {
    const big = JSON.stringify({ big: 'y'.repeat(30 * 1024 * 1024) });
    writeFileSync(join(folder, 'big.ndjson'), `{"a":1}\n${big}\n{"a":2}\n`);
    const file = join(folder, 'big.yaml');
    writeFileSync(
      file,
      'source: { dump: { paths: big.ndjson } }\nprocessors: [{ set: { field: seen, value: true } }]\nsink: { file: { path: big.out, format: ndjson } }\nlimits: { in_flight_bytes: 16mb }\n',
    );
    const { code, stderr } = await start(['run', file]).ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      readFileSync(join(folder, 'big.out'), 'utf8')
        .split('\n')
        .map(({ length }) => length),
      [21, big.length + 12, 21, 0].map((length, index) =>
        index === 0 || index === 2 ? '{"a":1,"seen":true}'.length : length,
      ),
    );
  });

  for (const [what, yaml, code, message] of [
    [
      'a source file that is not there',
      'source: { dump: { paths: nowhere.ndjson } }\nsink: { stdout: }\n',
      4,
      /the dump cannot be read.*\n +at nowhere\.ndjson/,
    ],
    [
      'an output that cannot be written',
      'source: { dump: { paths: poison.ndjson } }\nsink: { file: { path: poison.ndjson/out } }\n',
      5,
      /the file cannot be written/,
    ],
    [
      'a damaged model',
      'source: { dump: { paths: poison.ndjson } }\nmodels: { m: { path: models/none } }\nsink: { stdout: }\n',
      3,
      /3:|2:.*the model \[models\/none\] is not there/,
    ],
    [
      'an unreachable broker',
      'source: { kafka: { brokers: "127.0.0.1:1", topics: t, group_id: g, connect_timeout: 1s } }\nsink: { stdout: }\n',
      4,
      /no broker answered within 1 s/,
    ],
    [
      'an unreachable cluster',
      'source: { dump: { paths: poison.ndjson } }\nsink: { elasticsearch: { nodes: "http://u:hidden@127.0.0.1:1", index: i, connect_timeout: 1s } }\n',
      5,
      /Elasticsearch did not answer within 1 s/,
    ],
  ] as const) {
    test(`${what} stops the start with a clear error`, async () => {
      const file = join(folder, 'start.yaml');
      writeFileSync(file, yaml);
      const { code: got, stderr } = await start(['run', file]).ended;
      assert.equal(got, code, stderr);
      assert.match(stderr, message);
      assert.ok(!stderr.includes('hidden'), 'a secret is shown');
      assert.ok(!/^\s+at .*\.js:/m.test(stderr), `a stack is shown: ${stderr}`);
    });
  }
});
