import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { kafkaConnectionSchema } from '../../src/connections/kafka/options.ts';
import { SASL_USER } from '../servers/versions.ts';
import { CLIENTS, createTopic, Member, numbered, produce } from './support/kafka.ts';
import { saslBrokers } from './support/servers.ts';

/** Longer than the ten seconds before the end at which kafkajs logs in again. */
const TOKEN_S = 13;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const client of CLIENTS)
  test(`a member asks for a new token before the old one expires, and reads on (${client})`, async () => {
    const given: number[] = [];
    const server = createServer((request, response) => {
      request.resume();
      const now = Math.floor(Date.now() / 1000);
      given.push(Date.now());
      // The broker's validator for tests takes tokens without a signature.
      const token = `${part({ alg: 'none' })}.${part({ sub: SASL_USER.username, iat: now, exp: now + TOKEN_S })}.`;
      response.end(JSON.stringify({ access_token: token }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const token_endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
    const topic = await createTopic('reauthentication');
    const member = new Member(
      { topics: [topic] },
      kafkaConnectionSchema.parse({
        client,
        brokers: saslBrokers(),
        sasl: { oauthbearer: { token_endpoint, client_id: 'a', client_secret: 'b' } },
      }),
    );
    try {
      await produce(topic, numbered(5));
      await member.start();
      await member.received(5);
      const atStart = given.length;
      const expired = given.at(-1)! + TOKEN_S * 1000;
      while (Date.now() < expired + 1000) await new Promise((resolve) => setTimeout(resolve, 200));
      assert.ok(given.length > atStart, 'no new token was asked for');
      await produce(topic, numbered(5));
      await member.received(10);
    } finally {
      await member.close();
      server.closeAllConnections();
      server.close();
    }
  });
