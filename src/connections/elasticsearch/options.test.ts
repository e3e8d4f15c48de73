import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionMistakes, elasticsearchConnectionSchema } from './options.ts';

const messagesOf = (options: object): string[] => {
  const parsed = elasticsearchConnectionSchema.safeParse(options);
  if (!parsed.success) return [JSON.stringify(parsed.error.issues)];
  return connectionMistakes(parsed.data).map(({ path, message }) => `${path.join('.')}: ${message}`);
};
const FINGERPRINT = 'ab'.repeat(32);
const CLOUD_ID = `mine:${Buffer.from('eu.example.com$es1$kibana1').toString('base64')}`;

describe('the connection to Elasticsearch', () => {
  for (const options of [
    {},
    { nodes: 'http://user:word@es:9200/prefix' },
    { nodes: ['https://a', 'https://b:9200'], tls: { ca_fingerprint: FINGERPRINT } },
    { nodes: 'https://a', tls: { ca_fingerprint: FINGERPRINT.toUpperCase().replace(/..(?=.)/g, '$&:') } },
    { cloud_id: CLOUD_ID, tls: { ca_fingerprint: FINGERPRINT } },
    { cloud_id: `mine:${Buffer.from('eu.example.com:9243$es1').toString('base64')}` },
  ])
    test(`takes ${JSON.stringify(options).slice(0, 70)}`, () => assert.deepEqual(messagesOf(options), []));

  for (const [options, reason] of [
    [{ nodes: 'es:9200' }, /a node is a URL/],
    [{ nodes: '' }, /a node is a URL/],
    [{ nodes: ['http://a', 'ftp://b'] }, /a node is a URL/],
    [{ cloud_id: 'mine' }, /name:base64/],
    [{ cloud_id: 'mine:???' }, /name:base64/],
    [{ cloud_id: `mine:${Buffer.from('only-host').toString('base64')}` }, /name:base64/],
    [{ cloud_id: CLOUD_ID, nodes: 'https://a' }, /^cloud_id: either nodes or cloud_id/],
    [{ nodes: 'https://a', tls: { ca_fingerprint: 'abc' } }, /32 bytes in hexadecimal/],
    [{ nodes: ['https://a', 'http://b'], tls: { ca_fingerprint: FINGERPRINT } }, /^tls.ca_fingerprint: .*https/],
    [{ tls: { ca_fingerprint: FINGERPRINT } }, /^tls.ca_fingerprint: .*https/],
  ] as const)
    test(`refuses ${JSON.stringify(options).slice(0, 70)}`, () => {
      const [message, ...more] = messagesOf(options);
      assert.match(message ?? 'no mistake', reason);
      assert.deepEqual(more, []);
    });
});
