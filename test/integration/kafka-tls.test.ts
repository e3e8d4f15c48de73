import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { type KafkaConnectionOptions, kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { freePort } from '../servers/server.ts';
import { SASL_USER } from '../servers/versions.ts';
import { tlsFile } from '../support/tls.ts';
import { CLIENTS, createTopic, Member, numbered, produce, readTopic, textOf } from './support/kafka.ts';
import { brokers, mutualTlsBrokers, saslTlsBrokers, tlsBrokers, uniqueName, until } from './support/servers.ts';
import { scene, Worker } from './support/worker.ts';

const ca = tlsFile('ca.crt');
const client = { certificate: tlsFile('client.crt'), key: tlsFile('client.key') };
const server = { certificate: tlsFile('server.crt'), key: tlsFile('server.key') };

type Options = Partial<KafkaConnectionOptions> & Pick<KafkaConnectionOptions, 'brokers'>;
/** Longer than a test may last: what fails here fails at once, and not because time is over. */
const connection = (options: object) => kafkaConnectionSchema.parse({ connect_timeout: 120_000, ...options });

const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'));
after(() => rmSync(folder, { recursive: true }));
const noPem = join(folder, 'authority.der');
writeFileSync(noPem, Buffer.from([0x30, 0x82, 0x01, 0x97]));

const read = async (topic: string, options: object, count: number): Promise<string[]> => {
  const member = new Member({ topics: [topic] }, connection(options));
  try {
    await member.start();
    await member.received(count);
    return member.values();
  } finally {
    await member.close();
  }
};

const write = async (topic: string, options: object, value: string): Promise<void> => {
  const producer = kafkaClient(connection(options)).producer();
  await producer.connect();
  try {
    await producer.send([{ topic, key: null, value }]);
  } finally {
    await producer.close();
  }
};

for (const library of CLIENTS)
  describe(`a broker that speaks TLS (${library})`, () => {
    const ways: Record<string, () => object> = {
      'the authority': () => ({ brokers: tlsBrokers(), tls: { ca } }),
      'the authority, by its name': () => ({ brokers: tlsBrokers().replaceAll('127.0.0.1', 'localhost'), tls: { ca } }),
      'any certificate, where verify is off': () => ({ brokers: tlsBrokers(), tls: { verify: false } }),
      'a client certificate': () => ({ brokers: mutualTlsBrokers(), tls: { ca, ...client } }),
      'SCRAM-SHA-256 inside': () => ({ brokers: saslTlsBrokers(), tls: { ca }, sasl: { scram_sha_256: SASL_USER } }),
      // kafkajs goes through the list; one that cannot be used may stand beside one that can.
      'a list in which one of two can be used': () => ({
        brokers: `${tlsBrokers().replaceAll('127.0.0.1', '127.1')},${tlsBrokers()}`,
        tls: { ca },
      }),
    };
    for (const [name, options] of Object.entries(ways))
      test(`is read and written with ${name}`, async () => {
        const topic = await createTopic('tls');
        await write(topic, { ...options(), client: library }, 'through TLS');
        assert.deepEqual(await read(topic, { ...options(), client: library }, 1), ['through TLS']);
      });

    const failures: Record<string, { options: () => Options; code: string; message: RegExp }> = {
      'an authority that nobody installed': {
        options: () => ({ brokers: tlsBrokers(), tls: true }),
        code: 'SLUICE_%_UNREACHABLE',
        message: /^the broker's certificate is not accepted: .*(first|self-signed) certificate/,
      },
      'another authority': {
        options: () => ({ brokers: tlsBrokers(), tls: { ca: client.certificate, verify: true } }),
        code: 'SLUICE_%_UNREACHABLE',
        message: /^the broker's certificate is not accepted: /,
      },
      // Another way to write 127.0.0.1, which the certificate does not name.
      'a host that the certificate does not name': {
        options: () => ({ brokers: tlsBrokers().replaceAll('127.0.0.1', '127.1'), tls: { ca, verify: true } }),
        code: 'SLUICE_%_UNREACHABLE',
        message: /^the broker's certificate is not accepted: .*127\.1\. is not in the cert's altnames/,
      },
      'no client certificate where one is required': {
        options: () => ({ brokers: mutualTlsBrokers(), tls: { ca, verify: true } }),
        code: 'SLUICE_%_AUTH',
        message: /^the broker wants a client certificate that it trusts/,
      },
      'a client certificate that is not one for clients': {
        options: () => ({ brokers: mutualTlsBrokers(), tls: { ca, verify: true, ...server } }),
        code: 'SLUICE_%_AUTH',
        message: /^the broker wants a client certificate that it trusts/,
      },
      'no TLS on this side': {
        options: () => ({ brokers: tlsBrokers() }),
        code: 'SLUICE_%_UNREACHABLE',
        message: /^the broker speaks TLS at this port, and tls is not set/,
      },
      'no TLS on the broker’s side': {
        options: () => ({ brokers: brokers(), tls: true, connect_timeout: 2000 }),
        code: 'SLUICE_%_UNREACHABLE',
        message: /^no broker answered within 2 s: .*before secure TLS connection was established/,
      },
      'a wrong password inside': {
        options: () => ({
          brokers: saslTlsBrokers(),
          tls: { ca, verify: true },
          sasl: { scram_sha_256: { ...SASL_USER, password: 'wrong' } },
        }),
        code: 'SLUICE_%_AUTH',
        message: /^the broker refused the credentials/,
      },
      'a certificate without its key': {
        options: () => ({ brokers: mutualTlsBrokers(), tls: { ca, verify: true, certificate: client.certificate } }),
        code: 'SLUICE_CONFIG_INVALID',
        message: /needs both certificate and key/,
      },
      'a key of another certificate': {
        options: () => ({ brokers: mutualTlsBrokers(), tls: { ca, verify: true, ...client, key: server.key } }),
        code: 'SLUICE_CONFIG_INVALID',
        message: /cannot be used: .*key values mismatch/,
      },
      'an authority that is not PEM': {
        options: () => ({ brokers: tlsBrokers(), tls: { ca: noPem, verify: true } }),
        code: 'SLUICE_CONFIG_INVALID',
        message: /is not PEM/,
      },
      'an authority that is not there': {
        options: () => ({ brokers: tlsBrokers(), tls: { ca: join(folder, 'none.crt'), verify: true } }),
        code: 'SLUICE_CONFIG_UNREADABLE',
        message: /cannot be read/,
      },
    };
    for (const [name, { options, code, message }] of Object.entries(failures))
      test(`stops the start at ${name}, and says so`, { timeout: 30_000 }, async () => {
        const topic = await createTopic('tls');
        await assert.rejects(read(topic, { ...options(), client: library }, 1), {
          code: code.replace('%', 'SOURCE'),
          message,
        });
        await assert.rejects(write(topic, { ...options(), client: library }, ''), {
          code: code.replace('%', 'SINK'),
          message,
        });
      });
  });

scene('sluice reads a topic by TLS and writes another with a client certificate', async ({ run }) => {
  const [topic, copy] = [await createTopic('tls-in', 2), await createTopic('tls-out')];
  await produce(
    topic,
    numbered(20).map(({ value }) => ({ value: JSON.stringify({ n: Number(value) }) })),
  );
  const worker = await run({
    source: { kafka: { brokers: tlsBrokers(), tls: { ca }, topics: topic, group_id: uniqueName('group') } },
    processors: [],
    sink: { kafka: { brokers: mutualTlsBrokers(), tls: { ca, ...client }, topic: copy } },
  });
  await until('all delivered', async () => (await worker.settled('delivered')) === 20);
  assert.equal(await worker.end('SIGTERM'), 0);
  const numbers = (await readTopic(copy, 20)).map((record) => (JSON.parse(textOf(record)) as { n: number }).n);
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n),
  );
});

const ends: Record<string, { wrong: () => object; side: 'source' | 'sink'; status: number; message: RegExp }> = {
  'source’s broker speaks TLS and sluice does not': {
    wrong: () => ({ brokers: tlsBrokers() }),
    side: 'source',
    status: 4,
    message: /^sluice: the broker speaks TLS .*SLUICE_SOURCE_UNREACHABLE/s,
  },
  'sink’s broker is not trusted': {
    wrong: () => ({ brokers: tlsBrokers(), tls: true }),
    side: 'sink',
    status: 5,
    message: /^sluice: the broker's certificate is not accepted.*SLUICE_SINK_UNREACHABLE/s,
  },
};
for (const [name, { wrong, side, status, message }] of Object.entries(ends))
  test(`sluice ends with ${status} within seconds where the ${name}`, async () => {
    const topic = await createTopic('tls');
    const right = { brokers: tlsBrokers(), tls: { ca } };
    const file = join(folder, `${side}.yaml`);
    const pipeline = {
      source: { kafka: { ...(side === 'source' ? wrong() : right), topics: topic, group_id: uniqueName('group') } },
      processors: [],
      sink: { kafka: { ...(side === 'sink' ? wrong() : right), topic } },
    };
    writeFileSync(file, JSON.stringify(pipeline));
    const started = Date.now();
    const worker = new Worker(file, await freePort());
    try {
      assert.equal(await worker.exited(), status);
      assert.match(worker.stderr, message);
      // connect_timeout is 30 seconds.
      assert.ok(Date.now() - started < 20_000, `ended after ${Date.now() - started} ms`);
    } finally {
      await worker.end('SIGKILL');
    }
  });
