import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestError, SourceRecord } from '../../src/core/contracts.ts';
import { allHits, documentOf, elastic, testSink } from './support/elasticsearch.ts';
import { ClusterProxy } from './support/proxy.ts';
import { clusters, uniqueName, until } from './support/servers.ts';

const record = (n: number) => ({ defaultId: () => `record-${n}` }) as unknown as SourceRecord;
const document = (n: number) => documentOf({ '@timestamp': '2026-01-01T00:00:00Z', n });
const signal = AbortSignal.timeout(60_000);

for (const { version, url } of await clusters()) {
  describe(`a data stream that rolls over, on Elasticsearch ${version}`, () => {
    const setUp = async (target = url) => {
      const index = uniqueName('rolling');
      const { sink } = testSink(target, { index, mappings: 'auto', data_stream: true });
      await sink.open();
      return { index, sink, rollover: () => elastic(url, 'POST', `/${index}/_rollover`) };
    };

    test('holds a redelivered document once, whichever index it lies in', async () => {
      const { index, sink, rollover } = await setUp();
      const items = (from: number, to: number, mayBeThere: boolean) =>
        Array.from({ length: to - from }, (_, n) => sink.prepare(document(from + n), record(from + n), mayBeThere));
      await sink.write(items(0, 5, false), signal);
      await rollover();
      await sink.write(items(5, 8, false), signal);
      await rollover();
      // Another process reads them again, and some more.
      const redelivered = items(0, 12, true);
      await sink.look!(redelivered, signal);
      const results = await sink.write(redelivered, signal);
      assert.deepEqual(
        results.map((result) => result.outcome === 'delivered' && result.duplicate === true),
        [...Array<boolean>(8).fill(true), ...Array<boolean>(4).fill(false)],
      );
      const numbers = (await allHits(url, index)).map(({ _source }) => Number(_source.n));
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        Array.from({ length: 12 }, (_, n) => n),
      );
      await sink.close(true);
    });

    test('an index whose shards are not back yet is asked again, and not taken for an empty one', async () => {
      const { index, sink, rollover } = await setUp();
      const items = (mayBeThere: boolean) => [0, 1].map((n) => sink.prepare(document(n), record(n), mayBeThere));
      await sink.write(items(false), signal);
      const [older] = Object.keys(await elastic(url, 'GET', `/${index}/_settings`));
      await rollover();
      // How long the shards take nobody can set on one node, so it is done again until a lookup has met them away.
      const redelivered = items(true);
      let refused = 0;
      for (let round = 0; refused === 0 && round < 50; round += 1) {
        await elastic(url, 'POST', `/${older}/_close`);
        await elastic(url, 'POST', `/${older}/_open?wait_for_active_shards=0`);
        for (const action of redelivered) action.there = false;
        await sink.look!(redelivered, signal).catch((error: RequestError) => {
          assert.equal(error.kind, 'retry');
          refused += 1;
        });
        if (refused === 0) assert.ok(redelivered.every(({ there }) => there));
        await elastic(url, 'GET', `/_cluster/health/${older}?wait_for_status=yellow&timeout=10s`);
      }
      assert.equal(refused, 1);
      await until('the index is back', () => sink.look!(redelivered, signal).then(() => true));
      const duplicate = { outcome: 'delivered', duplicate: true };
      assert.deepEqual(await sink.write(redelivered, signal), [duplicate, duplicate]);
      await sink.close(true);
    });

    test('a request whose answer was lost is looked up before it is sent again', async () => {
      let losing = false;
      const proxy = await ClusterProxy.before(url, () => undefined);
      try {
        const { index, sink, rollover } = await setUp(proxy.url);
        proxy.loseAnswers = (request) => losing && request.url?.startsWith('/_bulk') === true;
        const items = [0, 1, 2].map((n) => sink.prepare(document(n), record(n), false));
        losing = true;
        await assert.rejects(sink.write(items, signal), { kind: 'retry' });
        losing = false;
        await rollover();
        await sink.look!(items, signal);
        assert.deepEqual(
          await sink.write(items, signal),
          items.map(() => ({ outcome: 'delivered', duplicate: true })),
        );
        assert.equal((await allHits(url, index)).length, 3);
        await sink.close(true);
      } finally {
        proxy.close();
      }
    });
  });
}
