import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readDump } from '../../../test/support/read-dump.ts';

const lines = (name: string) => Array.from({ length: 9000 }, (_, n) => `{"in":"${name}","n":${n}}`);
const objects = new Map([
  ['dumps/a.ndjson', Buffer.from(`${lines('a').join('\n')}\n`)],
  ['dumps/b.ndjson.gz', gzipSync(lines('b').join('\n'))],
  ['dumps/', Buffer.alloc(0)],
  ['empty', Buffer.alloc(0)],
]);
const state = { cutAfter: Number.POSITIVE_INFINITY, changeAfter: Number.POSITIVE_INFINITY, version: 1 };
const asked: IncomingMessage[] = [];

/** So much of S3 as sluice uses: signed requests, ranges, versions, and pages of keys. */
const server = createServer((request, response) => {
  asked.push(request);
  const { pathname, searchParams } = new URL(request.url!, 'http://s3');
  if (!/^AWS4-HMAC-SHA256 Credential=key\/.*Signature=[0-9a-f]{64}$/.test(request.headers.authorization ?? ''))
    return response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
  const key = decodeURIComponent(pathname.slice('/bucket/'.length));
  if (searchParams.has('list-type')) {
    const keys = [...objects.keys()].filter((name) => name.startsWith(searchParams.get('prefix') ?? ''));
    const at = Number(searchParams.get('continuation-token') ?? 0);
    const more =
      at + 1 < keys.length
        ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${at + 1}</NextContinuationToken>`
        : '';
    const contents = keys.slice(at, at + 1).map((name) => `<Contents><Key>${name}</Key></Contents>`);
    return response.end(`<?xml version="1.0"?><ListBucketResult>${more}${contents.join('')}</ListBucketResult>`);
  }
  const body = objects.get(key);
  if (body === undefined)
    return response.writeHead(404).end('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>');
  if (asked.length > state.changeAfter) state.version = 9;
  const etag = `"${state.version}"`;
  if ((request.headers['if-match'] ?? etag) !== etag)
    return response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
  const [range, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
  if (range !== undefined && body.length === 0)
    return response.writeHead(416).end('<Error><Code>InvalidRange</Code></Error>');
  const part = body.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
  response.writeHead(range === undefined ? 200 : 206, {
    etag,
    'content-length': part.length,
    ...(range !== undefined && { 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${body.length}` }),
  });
  if (part.length <= state.cutAfter) return response.end(part);
  response.write(part.subarray(0, state.cutAfter), () => response.destroy());
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'here',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
});
after(() => {
  server.closeAllConnections();
  server.close();
});

describe('a dump in an object store', () => {
  test('is found by the beginning of its key, and read whatever packs it', async () => {
    const { documents, error, records } = await readDump('s3://bucket/dumps/*');
    assert.equal(error, undefined);
    assert.deepEqual(documents, [...lines('a'), ...lines('b')]);
    assert.equal(records[0]!.origin().fields.path, 's3://bucket/dumps/a.ndjson');
    assert.deepEqual((await readDump('s3://bucket/empty')).documents, []);
  });

  test('is read on where the connection broke, of the same version only', async () => {
    state.cutAfter = 100_000;
    asked.length = 0;
    const whole = await readDump('s3://bucket/dumps/a.ndjson');
    assert.deepEqual(whole.documents, lines('a'));
    assert.ok(asked.some(({ headers }) => headers.range?.startsWith('bytes=1') && headers['if-match'] === '"1"'));
    const changing = await readDump('s3://bucket/dumps/a.ndjson', {
      whenDelivered: () => {
        state.version = 2;
      },
    });
    assert.match(changing.error!.message, /changed while it was read/);
    state.cutAfter = Number.POSITIVE_INFINITY;
  });

  test('is refused by a run that goes on once it is another version', async () => {
    const path = 's3://bucket/dumps/a.ndjson';
    const from = new Map([[path, BigInt(lines('a').slice(0, 10).join('\n').length + 1)]]);
    assert.deepEqual((await readDump(path, { from })).documents, lines('a').slice(10));
    const { error } = await readDump(path, {
      from,
      beforeResume: () => {
        state.version = 3;
      },
    });
    assert.equal(error?.code, 'SLUICE_CHECKPOINT');
  });

  test('is asked for what is left by a run that goes on, of the same version only', async () => {
    const path = 's3://bucket/dumps/a.ndjson';
    const at = lines('a').slice(0, 8000).join('\n').length + 1;
    const options = { from: new Map([[path, BigInt(at)]]), defaultIds: false };
    const { documents, error } = await readDump(path, { ...options, beforeResume: () => void (asked.length = 0) });
    assert.equal(error, undefined);
    assert.deepEqual(documents, lines('a').slice(8000));
    const ranges = asked.map(({ headers }) => [headers.range, headers['if-match']]);
    const look = ['bytes=0-65535', undefined];
    assert.deepEqual(ranges, [look, look, [`bytes=${at}-`, `"${state.version}"`]]);
    const changed = await readDump(path, {
      ...options,
      beforeResume: () => {
        asked.length = 0;
        state.changeAfter = 2;
      },
    });
    assert.deepEqual([changed.error?.message, changed.documents], ['the dump changed while it was read', []]);
    state.changeAfter = Number.POSITIVE_INFINITY;
    const packed = 's3://bucket/dumps/b.ndjson.gz';
    const from = new Map([[packed, BigInt(at)]]);
    const unpacked = await readDump(packed, { from, defaultIds: false });
    assert.deepEqual(unpacked.documents, lines('b').slice(8000));
    assert.equal(asked.at(-1)!.headers.range, undefined);
  });

  test('that is not there is told', async () => {
    for (const path of ['s3://bucket/none', 's3://bucket/none*', 's3://bucket'])
      assert.equal((await readDump(path)).error?.code, 'SLUICE_SOURCE_UNREADABLE', path);
  });
});
