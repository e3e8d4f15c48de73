import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { TestSchemaRegistry } from '../../../test/servers/schema-registry.ts';
import { tlsFile, tlsText } from '../../../test/support/tls.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { schemaRegistrySchema } from './options.ts';
import { SchemaRegistry, UnknownSchemaError } from './registry.ts';

/** Waits are short, so that nobody waits for them. */
const fastClock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms / 100, run),
};

const connect = (options: object) => {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const registry = new SchemaRegistry({
    options: schemaRegistrySchema.parse(options),
    clock: fastClock,
    random: Math.random,
    log: { info: log, warn: log },
  });
  return { registry, lines };
};
const until = async (done: () => boolean) => {
  while (!done()) await wait(5);
};
const SCHEMA = { type: 'record', name: 'R', fields: [] };

describe('a schema registry', () => {
  test('gives schemas by id and by guid, with what they refer to, each after its own references', async () => {
    await using server = await TestSchemaRegistry.start();
    const reference = (name: string) => ({ name, subject: `ctx/${name}`, version: 1 });
    await server.register('ctx/C', { type: 'record', name: 'C', fields: [] });
    await server.register('ctx/B', { type: 'record', name: 'B', fields: [] }, { references: [reference('C')] });
    const references = [reference('B'), reference('C')];
    const { id, guid } = await server.register('a-value', SCHEMA, { references });
    const { registry } = connect({ url: server.url });
    for (const key of [id, guid]) {
      const schema = await registry.load(key);
      assert.equal(schema.type, 'AVRO');
      assert.equal(schema.text, JSON.stringify(SCHEMA));
      assert.deepEqual(
        schema.references.map(({ name }) => name),
        ['C', 'B'],
      );
    }
    registry.close();
  });

  test('learns of schemas with delay', async () => {
    await using server = await TestSchemaRegistry.start();
    const { id } = await server.register('a', SCHEMA);
    server.hidden.add(id);
    const { registry, lines } = connect({ url: server.url });
    const loading = registry.load(id);
    await until(() => server.requests.length === 2);
    server.hidden.clear();
    assert.equal((await loading).id, id);
    assert.deepEqual(lines, []);
  });

  test('is asked five times before an id is unknown', async () => {
    await using server = await TestSchemaRegistry.start();
    const { registry } = connect({ url: server.url });
    await assert.rejects(registry.load(77), (error) => {
      assert.ok(error instanceof UnknownSchemaError);
      assert.match(error.message, /schema id 77 is not in the schema registry http:\/\/127/);
      return true;
    });
    assert.equal(server.requests.length, 5);
    const { id } = await server.register('a', SCHEMA, { references: [{ name: 'X', subject: 'gone', version: 3 }] });
    await assert.rejects(registry.load(id), /its reference, subject \[gone\] version 3, is not in/);
  });

  for (const trouble of [503, 401, 429, 'not_json', 'hang'] as const) {
    test(`in trouble (${trouble}) is waited for, and complained about once`, async () => {
      await using server = await TestSchemaRegistry.start();
      const { id } = await server.register('a', SCHEMA);
      const { registry, lines } = connect({ url: server.url.replace('//', '//me:secret@'), request_timeout: 40 });
      server.trouble = trouble;
      const loading = registry.load(id);
      await until(() => server.requests.length >= 7);
      server.trouble = undefined;
      assert.equal((await loading).id, id);
      assert.equal(lines.length, 2, lines.join('\n'));
      assert.match(lines[0]!, /^the schema registry gives no schema: documents wait for it .*"reason":".+/);
      assert.match(lines[1]!, /^the schema registry answers again/);
      assert.doesNotMatch(lines.join(''), /secret/);
    });
  }

  test('that is away is waited for, and its wrong URL too', async () => {
    const server = await TestSchemaRegistry.start();
    const { id } = await server.register('a', SCHEMA);
    await server.stop();
    const { registry, lines } = connect({ url: server.url });
    const loading = registry.load(id);
    await until(() => lines.length > 0);
    assert.match(lines[0]!, /ECONNREFUSED/);
    await server.listen();
    assert.equal((await loading).id, id);
    const wrong = connect({ url: `${server.url}/wrong/` });
    let settled = false;
    void wrong.registry.load(id).finally(() => {
      settled = true;
    });
    await until(() => server.requests.filter((path) => path.startsWith('/wrong/schemas/ids/')).length > 5);
    assert.equal(settled, false);
    wrong.registry.close();
    await server.stop();
  });

  test('may have several URLs', async () => {
    await using server = await TestSchemaRegistry.start();
    const gone = await TestSchemaRegistry.start();
    await gone.stop();
    const { id } = await server.register('a', SCHEMA);
    const { registry, lines } = connect({ url: `${gone.url}, ${server.url}` });
    assert.equal((await registry.load(id)).id, id);
    assert.deepEqual(lines, []);
  });

  test('is shown who asks', async () => {
    const cases = [
      ['Bearer token', { auth: { bearer: 'token' } }],
      [`Basic ${btoa('me:pass:word')}`, { auth: { basic: { username: 'me', password: 'pass:word' } } }],
      [`Basic ${btoa('me:p@ss')}`, {}],
    ] as const;
    for (const [authorization, options] of cases) {
      await using server = await TestSchemaRegistry.start({ authorization });
      const { id } = await server.register('a', SCHEMA);
      const url = 'auth' in options ? server.url : server.url.replace('//', '//me:p%40ss@');
      assert.equal((await connect({ url, ...options }).registry.load(id)).id, id);
    }
  });

  test('speaks TLS', async () => {
    await using server = await TestSchemaRegistry.start({
      tls: { key: tlsText('server.key'), cert: tlsText('server.crt') },
    });
    for (const tls of [{ ca: tlsFile('ca.crt') }, { verify: false }]) {
      const { registry } = connect({ url: server.url, tls });
      await assert.rejects(registry.load(1), UnknownSchemaError);
    }
    const { registry, lines } = connect({ url: server.url });
    void registry.load(1);
    await until(() => lines.length > 0);
    assert.match(lines[0]!, /unable to verify the first certificate/);
    registry.close();
  });
});
