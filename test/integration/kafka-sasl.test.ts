import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kafkaClient } from '../../src/connections/kafka/clients.ts';
import { type KafkaConnectionOptions, kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { SASL_USER } from '../servers/versions.ts';
import { CLIENTS, type ClientName, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { saslBrokers } from './support/servers.ts';

/** The broker's validator for tests takes tokens without a signature. */
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = Math.floor(Date.now() / 1000);
const token = `${part({ alg: 'none' })}.${part({ sub: SASL_USER.username, iat: now, exp: now + 3600 })}.`;

const WAYS: Readonly<Record<string, NonNullable<KafkaConnectionOptions['sasl']>>> = {
  PLAIN: { plain: SASL_USER },
  'SCRAM-SHA-256': { scram_sha_256: SASL_USER },
  'SCRAM-SHA-512': { scram_sha_512: SASL_USER },
  OAUTHBEARER: { oauthbearer: { token } },
};

const connection = (client: ClientName, sasl: KafkaConnectionOptions['sasl']) =>
  kafkaConnectionSchema.parse({ client, brokers: saslBrokers(), connect_timeout: 10_000, sasl });

for (const client of CLIENTS)
  describe(`a broker that asks for credentials (${client})`, () => {
    for (const [name, sasl] of Object.entries(WAYS)) {
      test(`is read by ${name}`, async () => {
        const topic = await createTopic('sasl');
        await produce(topic, numbered(10));
        const member = new Member({ topics: [topic] }, connection(client, sasl));
        try {
          await member.start();
          await member.received(10);
        } finally {
          await member.close();
        }
      });
    }

    for (const [name, sasl] of Object.entries({
      PLAIN: { plain: { ...SASL_USER, password: 'wrong-and-secret' } },
      'SCRAM-SHA-512': { scram_sha_512: { ...SASL_USER, password: 'wrong-and-secret' } },
    })) {
      test(`stops the start where they are wrong (${name}), and the message does not show them`, async () => {
        const topic = await createTopic('sasl');
        const member = new Member({ topics: [topic] }, connection(client, sasl));
        await assert.rejects(member.consumer.start(member), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'SLUICE_SOURCE_AUTH');
          assert.ok(!error.message.includes('wrong-and-secret'));
          return true;
        });
        await member.close();
        const producer = kafkaClient(connection(client, sasl)).producer();
        await assert.rejects(producer.connect(), { code: 'SLUICE_SINK_AUTH' });
        await producer.close();
      });
    }
  });
