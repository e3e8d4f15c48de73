import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { tlsFile, tlsText } from '../../../test/support/tls.ts';
import { systemClock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import { ElasticsearchConnection } from './client.ts';
import { elasticsearchConnectionSchema } from './options.ts';

const FINGERPRINT = new X509Certificate(tlsText('ca.crt')).fingerprint256;
const OTHER_FINGERPRINT = FINGERPRINT.replace(/^../, (pair) => (pair === '00' ? '11' : '00'));

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly client: string | undefined;
}

describe('the connection to Elasticsearch', () => {
  const received: Received[] = [];
  const connections: ElasticsearchConnection[] = [];
  const servers: Server[] = [];
  let status = 200;
  const answer: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { getPeerCertificate } = request.socket as Partial<TLSSocket>;
    const client = getPeerCertificate?.call(request.socket as TLSSocket).subject?.CN;
    received.push({ headers: request.headers, body: Buffer.concat(chunks), client: client?.toString() });
    response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
    response.end(
      status === 200
        ? '{"status":"green"}'
        : '{"error":{"type":"security_exception","reason":"unable to authenticate"}}',
    );
  };
  const listen = async (server: Server, scheme: string): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  let [http, https, mutual, dead, forged, otherPurpose] = ['', '', '', '', '', ''];
  before(async () => {
    // Elasticsearch sends the authority along: the fingerprint is compared with the end of the chain.
    const cert = `${tlsText('server.crt')}${tlsText('ca.crt')}`;
    const key = tlsText('server.key');
    http = await listen(createHttpServer(answer), 'http');
    https = await listen(createHttpsServer({ cert, key }, answer), 'https');
    const ca = tlsText('ca.crt');
    mutual = await listen(
      createHttpsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, answer),
      'https',
    );
    // Anybody can have a certificate that names the authority as its issuer, and show the authority's own beside it.
    const chain = `${tlsText('forged.crt')}${ca}`;
    forged = await listen(createHttpsServer({ cert: chain, key: tlsText('forged.key') }, answer), 'https');
    const clients = { cert: `${tlsText('client.crt')}${ca}`, key: tlsText('client.key') };
    otherPurpose = await listen(createHttpsServer(clients, answer), 'https');
    const gone = createHttpServer(answer);
    dead = await listen(gone, 'http');
    await new Promise((resolve) => gone.close(resolve));
  });
  beforeEach(() => {
    status = 200;
    received.length = 0;
  });
  after(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });
  const connect = (options: object) => {
    const connection = new ElasticsearchConnection(
      elasticsearchConnectionSchema.parse({ connect_timeout: 300, ...options }),
    );
    connections.push(connection);
    return connection;
  };
  const refusedWith = (code: string, reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof SluiceError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, reason);
    return true;
  };

  test('an unknown authority is refused', async () => {
    await assert.rejects(
      connect({ nodes: https }).ready(systemClock),
      refusedWith('SLUICE_SINK_UNREACHABLE', /self-signed certificate/),
    );
    assert.equal(received.length, 0);
  });

  test('ca_fingerprint alone is enough, with colons or without', async () => {
    await connect({ nodes: https, tls: { ca_fingerprint: FINGERPRINT } }).ready(systemClock);
    const plain = FINGERPRINT.replaceAll(':', '').toLowerCase();
    await connect({ nodes: https, tls: { ca_fingerprint: plain } }).ready(systemClock);
    assert.equal(received.length, 2);
  });

  test('another ca_fingerprint is refused, with and without the authority, before anything is sent', async () => {
    for (const more of [{}, { ca: tlsFile('ca.crt') }])
      await assert.rejects(
        connect({ nodes: https, tls: { ca_fingerprint: OTHER_FINGERPRINT, ...more } }).ready(systemClock),
        refusedWith('SLUICE_SINK_UNREACHABLE', /fingerprint does not match/),
      );
    assert.equal(received.length, 0);
  });

  test('a certificate that names the authority without its signature is refused, before anything is sent', async () => {
    for (const nodes of [[forged], [https, forged]]) {
      const connection = connect({ nodes, tls: { ca_fingerprint: FINGERPRINT }, auth: { bearer: 'token' } });
      const sent = () => connection.request({ method: 'GET', path: '/_cluster/health' });
      const outcomes = await Promise.allSettled([sent(), sent()]);
      const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
      assert.equal(failures.length, nodes.length === 1 ? 2 : 1);
      for (const failure of failures) assert.match(failure, /certificate signature failure/);
    }
    assert.equal(received.length, 1);
  });

  test("a client's certificate of the same authority is no server's", async () => {
    await assert.rejects(
      connect({ nodes: otherPurpose, tls: { ca_fingerprint: FINGERPRINT } }).ready(systemClock),
      refusedWith('SLUICE_SINK_UNREACHABLE', /unsuitable certificate purpose/),
    );
    assert.equal(received.length, 0);
  });

  test('ca_fingerprint alone goes together with a client certificate', async () => {
    const own = { certificate: tlsFile('client.crt'), key: tlsFile('client.key') };
    await connect({ nodes: mutual, tls: { ca_fingerprint: FINGERPRINT, ...own } }).ready(systemClock);
    assert.equal(received[0]?.client, 'client');
  });

  test('a file with the authority is trusted, and one that is not there is named', async () => {
    await connect({ nodes: https, tls: { ca: tlsFile('ca.crt') } }).ready(systemClock);
    assert.equal(received.length, 1);
    assert.throws(
      () => connect({ nodes: https, tls: { ca: tlsFile('none.crt') } }),
      refusedWith('SLUICE_CONFIG_UNREADABLE', /certificate file cannot be read/),
    );
  });

  test('verify: false takes any certificate', async () => {
    await connect({ nodes: https, tls: { verify: false } }).ready(systemClock);
    assert.equal(received.length, 1);
  });

  test('a client certificate is shown to a server that asks for one', async () => {
    const tls = { ca: tlsFile('ca.crt') };
    await assert.rejects(connect({ nodes: mutual, tls }).ready(systemClock));
    assert.equal(received.length, 0);
    const own = { certificate: tlsFile('client.crt'), key: tlsFile('client.key') };
    await connect({ nodes: mutual, tls: { ...tls, ...own } }).ready(systemClock);
    assert.equal(received[0]?.client, 'client');
  });

  for (const [auth, header] of [
    [{ api_key: 'a2V5' }, 'ApiKey a2V5'],
    [{ basic: { username: 'me', password: 'secret' } }, `Basic ${Buffer.from('me:secret').toString('base64')}`],
    [{ bearer: 'token' }, 'Bearer token'],
  ] as const)
    test(`auth: ${Object.keys(auth)[0]} goes with every request`, async () => {
      await connect({ nodes: http, auth }).ready(systemClock);
      assert.equal(received[0]?.headers.authorization, header);
    });

  test('wrong credentials stop the start at once', async () => {
    status = 401;
    const connection = connect({ nodes: http, auth: { bearer: 'wrong' }, connect_timeout: '1h' });
    await assert.rejects(connection.ready(systemClock), refusedWith('SLUICE_SINK_AUTH', /unable to authenticate/));
    assert.equal(received.length, 1);
  });

  test('compression: true sends gzip', async () => {
    const bulk = Buffer.from('{"index":{}}\n{"a":1}\n'.repeat(100));
    for (const compression of [true, false])
      await connect({ nodes: http, compression }).request({ method: 'POST', path: '/_bulk', bulk });
    const [zipped, plain] = received;
    assert.equal(zipped?.headers['content-encoding'], 'gzip');
    assert.deepEqual(gunzipSync(zipped!.body), bulk);
    assert.equal(plain?.headers['content-encoding'], undefined);
    assert.deepEqual(plain?.body, bulk);
  });

  test('of several nodes one may be dead', async () => {
    for (const nodes of [
      [dead, http],
      [http, dead],
    ])
      await connect({ nodes, connect_timeout: '10s' }).ready(systemClock);
    assert.equal(received.length, 2);
  });
});
