import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readDump } from '../../../test/support/read-dump.ts';

const text = Array.from({ length: 20_000 }, (_, n) => `{"n":${n},"x":"${'x'.repeat(n % 40)}"}\n`).join('');
const wanted = text.trimEnd().split('\n');

/** What the server holds, and how it misbehaves. */
const state = { bytes: Buffer.from(text), etag: '"one"', ranges: true, cutAfter: Number.POSITIVE_INFINITY, refuse: 0 };
const asked: IncomingMessage[] = [];

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
  const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  const partial =
    state.ranges && request.headers.range !== undefined && (request.headers['if-range'] ?? state.etag) === state.etag;
  const body = partial ? state.bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1) : state.bytes;
  response.writeHead(partial ? 206 : 200, {
    etag: state.etag,
    'content-length': body.length,
    ...(partial && { 'content-range': `bytes ${from}-${Number(from) + body.length - 1}/${state.bytes.length}` }),
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
  Object.assign(
    state,
    { bytes: Buffer.from(text), etag: '"one"', ranges: true, cutAfter: Number.POSITIVE_INFINITY, refuse: 0 },
    changes,
  );
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
