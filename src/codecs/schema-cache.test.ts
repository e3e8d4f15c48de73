import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RegisteredSchema, type SchemaId, UnknownSchemaError } from '../connections/schema_registry/registry.ts';
import { systemClock } from '../core/clock.ts';
import { ProcessorError } from '../core/errors.ts';
import { SchemaCache } from './schema-cache.ts';

const setUp = (make: (schema: RegisteredSchema) => object = (schema) => schema) => {
  const asked: SchemaId[] = [];
  const world = { now: 0, unknown: false };
  const registry = {
    load: async (id: SchemaId): Promise<RegisteredSchema> => {
      asked.push(id);
      if (world.unknown) throw new UnknownSchemaError('unknown');
      return { id, type: 'AVRO', text: '', references: [] };
    },
  };
  const cache = new SchemaCache(registry, { ...systemClock, monotonic: () => world.now }, make);
  return { asked, world, cache };
};

test('whoever waits for one id shares one request, and whoever comes later does not wait', async () => {
  const { asked, cache } = setUp();
  const first = cache.get(1);
  assert.ok(first instanceof Promise);
  assert.equal(cache.get(1), first);
  const schema = await first;
  assert.equal(cache.get(1), schema);
  assert.deepEqual(asked, [1]);
});

test('an unknown id is remembered for a while', async () => {
  const { asked, world, cache } = setUp();
  world.unknown = true;
  await assert.rejects(async () => cache.get(1), { name: 'ProcessorError', type: 'unknown_schema_id' });
  assert.throws(() => cache.get(1), { type: 'unknown_schema_id' });
  assert.deepEqual(asked, [1]);
  world.now += 60_000;
  world.unknown = false;
  assert.deepEqual(await cache.get(1), { id: 1, type: 'AVRO', text: '', references: [] });
  assert.deepEqual(asked, [1, 1]);
});

test('no registry is asked for a negative id', () => {
  const { asked, cache } = setUp();
  assert.throws(() => cache.get(-1), { type: 'unknown_schema_id' });
  assert.deepEqual(asked, []);
});

test('a schema that cannot be used is made once', async () => {
  let made = 0;
  const { cache } = setUp(() => {
    made += 1;
    throw new ProcessorError('unusable_schema', 'no');
  });
  await assert.rejects(async () => cache.get(1), { type: 'unusable_schema' });
  assert.throws(() => cache.get(1), { type: 'unusable_schema' });
  assert.equal(made, 1);
});
