import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { elasticsearchSourceOptions } from '../../src/sources/elasticsearch/options.ts';
import { ElasticsearchSource } from '../../src/sources/elasticsearch/source.ts';
import { sourceContract } from '../conformance/source-contract.ts';
import { runSluice } from '../support/run-sluice.ts';
import { allHits, elastic } from './support/elasticsearch.ts';
import { clusters, uniqueName, until } from './support/servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-elasticsearch-'));
after(() => rmSync(folder, { recursive: true }));
const sluice = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));

const fill = async (url: string, index: string, documents: readonly object[]) => {
  const lines = documents.map(
    (document, n) => `${JSON.stringify({ index: { _index: index, _id: String(n) } })}\n${JSON.stringify(document)}\n`,
  );
  const { errors } = await elastic<{ errors: boolean }>(url, 'POST', '/_bulk?refresh=true', lines.join(''));
  assert.equal(errors, false);
};

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n, text: `text ${n}` }));

for (const { url, version } of await clusters()) {
  sourceContract(`elasticsearch ${version}`, async () => {
    const index = uniqueName('source');
    await elastic(url, 'PUT', `/${index}`, { settings: { number_of_shards: 2, number_of_replicas: 0 } });
    const documents = numbered(300);
    await fill(url, index, documents);
    const create = (resume: boolean) =>
      new ElasticsearchSource({
        options: elasticsearchSourceOptions.parse({
          nodes: url,
          index,
          size: 50,
          checkpoint: join(folder, `${index}.json`),
        }),
        stream: 'conformance',
        clock: systemClock,
        resume,
        changed: 'read',
      });
    // Which document lies in which shard is the cluster's affair.
    const values = new Map<string, string[]>();
    const source = create(false);
    await new Promise<void>((resolve, reject) => {
      const port = {
        assigned: () => undefined,
        deliver: (name: string, records: readonly { value: Uint8Array }[]) =>
          void values.set(name, [
            ...(values.get(name) ?? []),
            ...records.map(({ value }) => Buffer.from(value).toString()),
          ]),
        full: false,
        ended: resolve,
        failed: reject,
      };
      source.start(port as never).catch(reject);
    });
    await source.stop();
    await source.close();
    assert.deepEqual([...values.values()].flat().sort(), documents.map((document) => JSON.stringify(document)).sort());
    assert.equal(values.size, 2);
    return { values, create };
  });

  describe(`an index of Elasticsearch ${version}`, () => {
    const pipeline = (name: string, source: object, sink: object, more: object = {}): string => {
      const path = join(folder, `${name}.yaml`);
      const config = {
        name,
        source: { elasticsearch: { nodes: url, ...source } },
        sink: { elasticsearch: { nodes: url, mappings: 'off', ...sink } },
        limits: { commit_interval: '50ms' },
        ...more,
      };
      writeFileSync(path, JSON.stringify(config));
      return path;
    };
    const replay = async (...args: readonly string[]) => {
      const ended = await runSluice(folder, 'replay', ...args);
      assert.equal(ended.code, 0, ended.stderr);
      return ended;
    };

    test('is copied with ids, routing and every digit, through an alias with a filter, or by a query', async () => {
      const [from, alias, to] = [uniqueName('from'), uniqueName('alias'), uniqueName('to')];
      await elastic(url, 'PUT', `/${from}`, { mappings: { dynamic: false, properties: { n: { type: 'long' } } } });
      await fill(url, from, numbered(20));
      await elastic(url, 'PUT', `/${from}/_doc/exact?routing=r&refresh=true`, '{"n":7,"big":12345678901234567890.10}');
      await elastic(url, 'POST', '/_aliases', {
        actions: [{ add: { index: from, alias, filter: { range: { n: { lt: 10 } } } } }],
      });
      const sink = { index: to, routing: '{{{_elasticsearch._routing}}}' };
      await replay(pipeline('copy', { index: alias, query: { range: { n: { gte: 5 } } } }, sink));
      const hits = await allHits(url, to);
      assert.deepEqual(hits.map(({ _id }) => _id).sort(), ['5', '6', '7', '8', '9', 'exact']);
      const raw = await (await fetch(`${url}/${to}/_source/exact?routing=r`)).text();
      assert.equal(raw, '{"n":7,"big":12345678901234567890.10}');
    });

    test('is enriched in place, and a run that is killed goes on without repeating its own updates', async () => {
      const index = uniqueName('place');
      const place = `place-${version}`;
      const COUNT = 3000;
      await fill(url, index, numbered(COUNT));
      const file = pipeline(
        place,
        { index, size: 100 },
        { index: '{{{_elasticsearch._index}}}', op_type: 'update', batch: { max_documents: 50 } },
        { processors: [{ set: { field: 'seen', copy_from: 'n' } }] },
      );
      const child = spawn(process.execPath, [sluice, 'replay', file, '--rate', '1000'], {
        cwd: folder,
        stdio: 'ignore',
      });
      const checkpoint = join(folder, `.sluice/${place}.checkpoint.json`);
      const settled = () => {
        if (!existsSync(checkpoint)) return 0;
        const { partitions } = JSON.parse(readFileSync(checkpoint, 'utf8')) as {
          partitions: Record<string, { position: string }>;
        };
        return Object.values(partitions).reduce((sum, { position }) => sum + Number(position), 0);
      };
      await until('a third is settled', () => settled() > COUNT / 3);
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      const { stdout } = await replay(file, '--resume', '--json');
      const { documents } = JSON.parse(stdout) as { documents: number };
      assert.ok(documents < COUNT - COUNT / 3 + 100, `${documents} were read again`);
      const hits = await allHits(url, index);
      assert.equal(hits.length, COUNT);
      assert.ok(hits.every(({ _source }) => _source.seen === _source.n));
      const repeated = hits.filter(({ _version }) => _version > 2).length;
      assert.ok(repeated <= 600, `${repeated} were updated twice`);
    });

    test('is read again where it changed, unless it is to be skipped, and not at all once it was created anew', async () => {
      const [from, to] = [uniqueName('changing'), uniqueName('changed')];
      await fill(url, from, numbered(10));
      await replay(pipeline('changing', { index: from }, { index: to }));
      await elastic(url, 'PUT', `/${from}/_doc/3?refresh=true`, { n: 33 });
      const skipping = pipeline('changing', { index: from, changed: 'skip' }, { index: to });
      assert.equal(JSON.parse((await replay(skipping, '--resume', '--json')).stdout).documents, 0);
      const reading = pipeline('changing', { index: from }, { index: to });
      assert.equal(JSON.parse((await replay(reading, '--resume', '--json')).stdout).documents, 1);
      assert.deepEqual((await allHits(url, to)).find(({ _id }) => _id === '3')!._source, { n: 33 });
      const other = await runSluice(folder, 'replay', pipeline('changing', { index: to }, { index: to }), '--resume');
      assert.equal(other.code, 8);
      assert.match(other.stderr, /the checkpoint is of another source/);
      await elastic(url, 'DELETE', `/${from}`);
      const gone = await runSluice(folder, 'replay', pipeline('changing', { index: from }, { index: to }));
      assert.equal(gone.code, 4);
      assert.match(gone.stderr, /no such index/);
    });

    test('of a data stream is read with all its backing indices', async () => {
      const [stream, to] = [uniqueName('stream'), uniqueName('flat')];
      await elastic(url, 'PUT', `/_index_template/${stream}`, {
        index_patterns: [stream],
        data_stream: {},
        priority: 900,
      });
      for (const n of [1, 2]) {
        await elastic(url, 'POST', `/${stream}/_doc?refresh=true`, { '@timestamp': '2024-01-01T00:00:00Z', n });
        await elastic(url, 'POST', `/${stream}/_rollover`, {});
      }
      await replay(pipeline('stream', { index: stream }, { index: to }));
      assert.deepEqual((await allHits(url, to)).map(({ _source }) => _source.n).sort(), [1, 2]);
    });

    test('shows what a dry run would change, and writes nothing', async () => {
      const [from, to] = [uniqueName('wet'), uniqueName('dry')];
      await fill(url, from, numbered(5));
      await fill(url, to, [
        { n: 0, text: 'text 0' },
        { n: 1, text: 'secret' },
        { n: 2, text: 'text 2', more: { old: 1 } },
      ]);
      const file = pipeline(
        'dry',
        { index: from },
        { index: to },
        {
          processors: [{ fail: { if: 'ctx.n == 4', message: 'no' } }],
        },
      );
      const { stdout, stderr } = await replay(file, '--dry-run', '--json');
      const report = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { dry_run: Record<string, unknown> };
      assert.deepEqual(report.dry_run, {
        actions: { index: 4 },
        compared: 4,
        effects: { same: 1, changed: 2, new: 1 },
        fields: { text: 1, more: 1 },
        failures: { 'fail_processor_exception in [conditional]': 1 },
      });
      assert.doesNotMatch(stdout + stderr, /secret/);
      assert.match((await replay(file, '--dry-run', '--show', '5')).stderr, /text: "secret" → "text 1"/);
      assert.equal((await allHits(url, to)).length, 3);
      assert.equal(existsSync(join(folder, '.sluice/dry.checkpoint.json')), false);
    });

    test('a backfill with versions never overwrites a newer live document', async () => {
      const index = uniqueName('live');
      writeFileSync(
        join(folder, 'old.ndjson'),
        [1, 2, 3].map((id) => `${JSON.stringify({ id, at: 10, from: 'dump' })}\n`).join(''),
      );
      await elastic(url, 'PUT', `/${index}/_doc/1?version=20&version_type=external`, { id: 1, at: 20, from: 'live' });
      await elastic(url, 'PUT', `/${index}/_doc/2?version=5&version_type=external&refresh=true`, {
        id: 2,
        at: 5,
        from: 'live',
      });
      const file = pipeline('versions', { index: 'x' }, { index, id: '{{{id}}}', version: '{{{at}}}' });
      const dry = await replay(file, '--from', 'old.ndjson', '--dry-run', '--json');
      assert.match(dry.stdout, /"effects":\{"kept":1,"changed":1,"new":1\}/);
      const { stdout } = await replay(file, '--from', 'old.ndjson', '--json');
      assert.match(stdout, /"delivered":2,"duplicate":1/);
      const hits = await allHits(url, index);
      assert.deepEqual(hits.map(({ _id, _source }) => [_id, _source.from]).sort(), [
        ['1', 'live'],
        ['2', 'dump'],
        ['3', 'dump'],
      ]);
    });
  });
}
