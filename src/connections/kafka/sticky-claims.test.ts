import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeClaims, encodeClaims, MAX_CLAIM_BYTES, NO_CLAIMS } from './sticky-claims.ts';

test('claims come back as they were sent', () => {
  const partitions = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 249, unit: 'grapheme' }),
    fc.uniqueArray(fc.integer({ min: 0, max: 0x7fffffff }), { minLength: 1, maxLength: 20 }),
    { maxKeys: 10 },
  );
  fc.assert(
    fc.property(partitions, fc.integer({ min: 0, max: 0x7fffffff }), (record, generation) => {
      const claims = { generation, partitions: new Map(Object.entries(record)) };
      const back = decodeClaims(encodeClaims(claims));
      assert.equal(back.generation, generation);
      assert.deepEqual(
        Object.fromEntries(back.partitions),
        Object.fromEntries(Object.entries(record).map(([topic, list]) => [topic, list.sort((a, b) => a - b)])),
      );
    }),
  );
});

test('what is cut off, of another assigner or no claims at all claims nothing, and never throws', () => {
  assert.deepEqual(decodeClaims(undefined), NO_CLAIMS);
  assert.deepEqual(decodeClaims(Buffer.alloc(0)), NO_CLAIMS);
  assert.deepEqual(decodeClaims(Buffer.from('{"generation":3}')), NO_CLAIMS);
  assert.deepEqual(decodeClaims(Buffer.alloc(MAX_CLAIM_BYTES + 1, 0x53)), NO_CLAIMS);
  const whole = encodeClaims({ generation: 300, partitions: new Map([['topic', [3, 400]]]) });
  for (let length = 0; length < whole.length; length += 1) {
    const { partitions } = decodeClaims(whole.subarray(0, length));
    assert.equal(partitions.size, 0);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, marked) => {
      decodeClaims(marked ? Buffer.concat([Buffer.from([0x53, 0x01]), bytes]) : bytes);
    }),
  );
});

test('however many partitions a member has, its claims stay small, and it claims as many as there is room for', () => {
  const partitions = new Map<string, number[]>(
    Array.from(
      { length: 40 },
      (_, n) => [`topic-${n}`, Array.from({ length: 2000 }, (_, index) => index * 2)] as const,
    ),
  );
  const encoded = encodeClaims({ generation: 5, partitions });
  assert.ok(encoded.length <= MAX_CLAIM_BYTES);
  const back = decodeClaims(encoded);
  assert.ok([...back.partitions.values()].flat().length > 30_000);
  for (const [topic, list] of back.partitions) assert.deepEqual(list, partitions.get(topic)!.slice(0, list.length));
});
