import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ElasticsearchConnection } from '../../src/connections/elasticsearch/client.ts';
import { elasticsearchConnectionSchema } from '../../src/connections/elasticsearch/options.ts';
import { sleep, systemClock } from '../../src/core/clock.ts';

// The official transport dispatches `abort` on the signal of a request whose time is up. All requests of a stream share
// one, and so do its waits: a single slow answer ended them all, and the stream with them.
test('a request whose time is up ends alone: others with the same signal go on, and so do waits', async () => {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/mute')) return;
    setTimeout(() => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
      response.end('{"ok":true}');
    }, 600);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const nodes = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = new ElasticsearchConnection(elasticsearchConnectionSchema.parse({ nodes }));
  const shared = new AbortController();
  const { signal } = shared;
  try {
    const waited = sleep(systemClock, 500, signal);
    const answered = connection.request({ method: 'GET', path: '/slow', signal, timeout_ms: 5000 });
    await assert.rejects(connection.request({ method: 'GET', path: '/mute', signal, timeout_ms: 200 }), /timed out/i);
    await waited;
    assert.deepEqual((await answered).body, { ok: true });
    // What does end a stream still ends its requests.
    const mute = connection.request({ method: 'GET', path: '/mute', signal, timeout_ms: 5000 });
    shared.abort(new Error('the stream is stopping'));
    await assert.rejects(mute);
  } finally {
    server.closeAllConnections();
    server.close();
    await connection.close();
  }
});
