import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ReadDumpOptions, readDump } from '../../../test/support/read-dump.ts';

const text = Array.from({ length: 20_000 }, (_, n) => `{"n":${n},"x":"${'x'.repeat(n % 40)}"}\n`).join('');
const wanted = text.trimEnd().split('\n');

/** What the server holds, and how it misbehaves. */
const AS_IT_SHOULD = {
  bytes: Buffer.from(text),
  etag: '"one"' as string | undefined,
  ranges: true,
  cutAfter: Number.POSITIVE_INFINITY,
  refuse: 0,
  /** It holds another file after so many answers. */
  changeAfter: Number.POSITIVE_INFINITY,
  /** It sends a part that begins so much later. */
  shift: 0,
};
const state = { ...AS_IT_SHOULD };
const asked: IncomingMessage[] = [];
let sent = 0;

const answer = (request: IncomingMessage, response: ServerResponse) => {
  asked.push(request);
  if (request.url!.startsWith('/gone')) return response.writeHead(404).end();
  if (
    request.url!.startsWith('/locked') &&
    request.headers.authorization !== `Basic ${Buffer.from('u:p w').toString('base64')}`
  )
    return response.writeHead(401).end();
  if (state.refuse > 0) {
    state.refuse -= 1;
    return response.writeHead(503).end();
  }
  if (state.changeAfter === 0) state.etag = '"two"';
  state.changeAfter -= 1;
  const [, first = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  const from = Number(first) === 0 ? 0 : Number(first) + state.shift;
  const partial =
    state.ranges && request.headers.range !== undefined && (request.headers['if-range'] ?? state.etag) === state.etag;
  const body = partial ? state.bytes.subarray(from, to === '' ? undefined : Number(to) + 1) : state.bytes;
  sent += Math.min(body.length, state.cutAfter);
  response.writeHead(partial ? 206 : 200, {
    ...(state.etag !== undefined && { etag: state.etag }),
    'content-length': body.length,
    ...(partial && { 'content-range': `bytes ${from}-${from + body.length - 1}/${state.bytes.length}` }),
  });
  if (body.length <= state.cutAfter) return response.end(body);
  response.write(body.subarray(0, state.cutAfter), () => response.destroy());
};
const server = createServer(answer);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());
const url = (path: string, login = '') => `http://${login}127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const reset = (changes: Partial<typeof state> = {}) => {
  asked.length = 0;
  sent = 0;
  Object.assign(state, AS_IT_SHOULD, changes);
};

describe('a dump on a web server', () => {
  test('is read plain and packed, with and without ranges', async () => {
    for (const ranges of [true, false])
      for (const bytes of [Buffer.from(text), gzipSync(text)]) {
        reset({ bytes, ranges });
        const { documents, error } = await readDump(url('/a'));
        assert.equal(error, undefined);
        assert.deepEqual(documents, wanted);
      }
  });

  test('is read on where the connection broke, and a busy server is asked again', async () => {
    reset({ cutAfter: 150_000, refuse: 1 });
    const { documents, error } = await readDump(url('/a'));
    assert.equal(error, undefined);
    assert.deepEqual(documents, wanted);
    assert.ok(asked.some(({ headers }) => headers['if-range'] === '"one"'));
  });

  test('that changes while it is read, or for a run that goes on, is refused', async () => {
    reset({ cutAfter: 300_000 });
    const { error } = await readDump(url('/a'), {
      whenDelivered: () => {
        state.etag = '"two"';
      },
    });
    assert.deepEqual([error?.code, error?.message], ['SLUICE_SOURCE_UNREADABLE', 'the dump changed while it was read']);
    reset();
    const path = url('/a');
    const from = new Map([[path, BigInt(Buffer.byteLength(wanted.slice(0, 100).join('\n')) + 1)]]);
    assert.deepEqual((await readDump(path, { from })).documents, wanted.slice(100));
    const other = await readDump(path, {
      from,
      beforeResume: () => {
        state.etag = '"two"';
      },
    });
    assert.equal(other.error?.code, 'SLUICE_CHECKPOINT');
  });

  describe('from where a run goes on', () => {
    const endOf = (lines: readonly string[]) => Buffer.byteLength(`${lines.join('\n')}\n`);
    /** What is sent to a run that goes on behind so many lines. */
    const resumed = async (
      name: string,
      lines: readonly string[],
      known: number,
      { beforeResume = () => {}, ...more }: ReadDumpOptions = {},
    ) => {
      const path = url(name);
      const from = new Map([[path, BigInt(endOf(lines.slice(0, known)))]]);
      const start = () => {
        asked.length = 0;
        sent = 0;
        beforeResume();
      };
      return readDump(path, { from, defaultIds: false, ...more, beforeResume: start });
    };
    const HEAD = 64 * 1024;

    test('a plain one is asked for what is left, of the same file only', async () => {
      reset();
      const { documents, records, error } = await resumed('/a', wanted, 19_000);
      assert.equal(error, undefined);
      assert.deepEqual(documents, wanted.slice(19_000));
      assert.equal(records[0]!.position, BigInt(endOf(wanted.slice(0, 19_000))));
      const left = state.bytes.length - Number(records[0]!.position);
      assert.equal(sent, 2 * HEAD + left, `of ${state.bytes.length} bytes`);
      assert.deepEqual(
        [asked.at(-1)!.headers.range, asked.at(-1)!.headers['if-range']],
        [`bytes=${records[0]!.position}-`, '"one"'],
      );
    });

    test('the connection may break there too, and nothing may be left', async () => {
      reset();
      const cut = await resumed('/a', wanted, 9000, { beforeResume: () => (state.cutAfter = 100_000) });
      assert.deepEqual(cut.documents, wanted.slice(9000));
      reset();
      const none = await resumed('/a', wanted, wanted.length);
      assert.deepEqual([none.documents, none.error, sent], [[], undefined, 2 * HEAD]);
    });

    test('rows of CSV keep their header, actions of a bulk body and hits their documents', async () => {
      const rows = ['n,"a\nb"', ...Array.from({ length: 9000 }, (_, n) => `${n},"x\n${n}"`)];
      reset({ bytes: Buffer.from(rows.join('\n')) });
      const csv = await resumed('/a.csv', rows, 8001);
      assert.deepEqual(
        csv.documents,
        Array.from({ length: 1000 }, (_, n) => JSON.stringify({ n: `${n + 8000}`, 'a\nb': `x\n${n + 8000}` })),
      );
      assert.ok(sent < 2 * HEAD + state.bytes.length / 8);
      const bulk = wanted.slice(0, 9000).flatMap((line, n) => [`{"index":{"_id":"${n}"}}`, line]);
      reset({ bytes: Buffer.from(`${bulk.join('\n')}\n`) });
      const { documents, ids } = await resumed('/b', bulk, 17_900);
      assert.deepEqual([documents[0], ids[0], ids.length], [wanted[8950], '8950', 50]);
      const hits = wanted.slice(0, 9000).map((line, n) => `{"_index":"i","_id":"${n}","_source":${line}}`);
      reset({ bytes: Buffer.from(`${hits.join('\n')}\n`) });
      assert.deepEqual((await resumed('/c', hits, 8999)).documents, [wanted[8999]]);
      assert.ok(sent < 3 * HEAD);
    });

    test('one that changed in between is refused, before and after the first look', async () => {
      reset();
      const before = await resumed('/a', wanted, 9000, { beforeResume: () => (state.etag = '"two"') });
      assert.equal(before.error?.code, 'SLUICE_CHECKPOINT');
      reset();
      const looks = await resumed('/a', wanted, 9000, { beforeResume: () => (state.changeAfter = 2) });
      assert.deepEqual([looks.error?.code, looks.documents], ['SLUICE_SOURCE_UNREADABLE', []]);
      assert.match(looks.error!.message, /changed while it was read/);
    });

    test('what is packed, an array, or counted from its first record on is read from the beginning', async () => {
      const array = Buffer.from(`[${wanted.join(',\n')}]`);
      for (const [name, bytes, more] of [
        ['/a', gzipSync(text), {}],
        ['/a', array, {}],
        ['/a', Buffer.from(text), { defaultIds: true }],
      ] as const) {
        reset({ bytes });
        const { documents, error } = await resumed(name, bytes === array ? [`[${wanted[0]}`] : wanted, 1, more);
        assert.equal(error, undefined);
        assert.deepEqual(documents, wanted.slice(1));
        assert.ok(sent >= bytes.length);
      }
    });

    test('so is all of a server without parts, or one that does not tell its versions apart', async () => {
      for (const change of [{ ranges: false }, { etag: undefined }]) {
        reset(change);
        const { documents, error } = await resumed('/a', wanted, 9000);
        assert.equal(error, undefined);
        assert.deepEqual(documents, wanted.slice(9000));
        assert.ok(sent >= state.bytes.length);
      }
    });

    test('a server that sends another part than was asked for is not believed', async () => {
      reset();
      const { error } = await resumed('/a', wanted, 9000, { beforeResume: () => (state.shift = 10) });
      assert.equal(error?.code, 'SLUICE_SOURCE_UNREADABLE');
    });
  });

  test('that breaks off without ranges is told, not cut', async () => {
    reset({ cutAfter: 150_000, ranges: false });
    const { error } = await readDump(url('/a'));
    assert.match(error!.message, /sends no parts of files|changed while it was read/);
    assert.equal(error!.code, 'SLUICE_SOURCE_UNREADABLE');
  });

  test('that is not there, or not for us, is told without credentials', async () => {
    reset();
    assert.equal((await readDump(url('/gone'))).error?.code, 'SLUICE_SOURCE_UNREADABLE');
    assert.equal((await readDump(url('/locked'))).error?.code, 'SLUICE_SOURCE_AUTH');
    const { documents, records } = await readDump(url('/locked?X-Amz-Signature=secret', 'u:p%20w@'));
    assert.deepEqual(documents, wanted);
    assert.equal(records[0]!.origin().fields.path, url('/locked'));
  });
});
