import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ElasticsearchConnection } from '../../src/connections/elasticsearch/client.ts';
import { elasticsearchConnectionSchema } from '../../src/connections/elasticsearch/options.ts';

test('a failed bulk request names no document, and costs no time over its body', async () => {
  // Listens and is gone: a port that surely refuses.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const auth = { api_key: 'very-secret' };
  const connection = new ElasticsearchConnection(
    elasticsearchConnectionSchema.parse({ nodes: `http://127.0.0.1:${port}`, auth }),
  );
  const bulk = Buffer.alloc(8_000_000, 'confidential ');
  const before = process.cpuUsage();
  await assert.rejects(connection.request({ method: 'POST', path: '/_bulk', bulk }), (error) => {
    const told = inspect(error, { depth: 20, maxStringLength: null, maxArrayLength: null });
    assert.ok(told.length < 20_000, `${told.length} characters`);
    assert.ok(!told.includes('confidential') && !told.includes('very-secret'), told);
    return true;
  });
  // The client's own redaction takes six seconds for this body: no heartbeat would be sent meanwhile.
  const { user } = process.cpuUsage(before);
  assert.ok(user < 2_000_000, `${user / 1000} ms`);
  await connection.close();
});
