import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { z } from 'zod';
import { loadStream } from '../../src/cli/load-stream.ts';
import { SCHEMA_ID_HEADER } from '../../src/codecs/framing.ts';
import { type CodecOptions, checkCodec, codecOptions, createCodec } from '../../src/codecs/table.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { Codec, Decoded, SourceRecord } from '../../src/core/contracts.ts';
import { ProcessorError } from '../../src/core/errors.ts';
import { writeJson } from '../../src/core/json/write.ts';
import { TestSchemaRegistry } from '../servers/schema-registry.ts';
import { avroSchemas, longType } from './avro-arbitrary.ts';

const ARTICLE = {
  type: 'record',
  name: 'Article',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
  ],
};
const DOCUMENT = { id: 7, tags: [null, 'x'] };
const LINE = JSON.stringify(DOCUMENT);

const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 100, run) };
const create = (options: z.input<typeof codecOptions>): Codec =>
  createCodec(codecOptions.parse(options), { clock, log: { info: () => {}, warn: () => {} } });

interface Subject {
  readonly options: () => z.input<typeof codecOptions>;
  readonly value: () => Uint8Array;
  readonly headers?: () => SourceRecord['headers'];
  /** True where the value's own bytes may be written. */
  readonly raw: boolean;
  /** Lengths at which a value may end: Protobuf does not say how many fields there are. */
  readonly ends?: readonly number[];
}

let registry: TestSchemaRegistry;
let avro: { id: number; guid: string };
let json: { id: number; guid: string };
let proto: { id: number; guid: string };
let file: string;
let protoFile: string;
const PROTO = `syntax = "proto3"; message Note { string text = 1; } message Article { int64 id = 1; repeated google.protobuf.Value tags = 2; }
import "google/protobuf/struct.proto";`;
/** id 7, and the tags null and x. */
const message = () => Buffer.from('0807120208001203 1a0178'.replace(' ', ''), 'hex');
/** One index, 1: the second message of the file. */
const INDEXES = Buffer.from([2, 2]);
const articleType = avsc.Type.forSchema(ARTICLE as never);
const datum = () => articleType.toBuffer(DOCUMENT);
const connection = () => ({ url: registry.url });
const prefixed = (id: number, body: Uint8Array) => Buffer.concat([TestSchemaRegistry.prefix(id), body]);
const header = (bytes: Buffer) => ({ [SCHEMA_ID_HEADER]: bytes });

const folder = mkdtempSync(join(tmpdir(), 'sluice-codecs-'));
/** One of its own for each test's files. */
const inFolder = () => mkdtempSync(join(folder, 'case-'));

before(async () => {
  registry = await TestSchemaRegistry.start();
  avro = await registry.register('articles-value', ARTICLE);
  json = await registry.register('notes-value', { type: 'object' }, { schemaType: 'JSON' });
  proto = await registry.register('articles-proto-value', PROTO, { schemaType: 'PROTOBUF' });
  file = join(inFolder(), 'article.avsc');
  writeFileSync(file, JSON.stringify(ARTICLE));
  protoFile = join(inFolder(), 'article.proto');
  writeFileSync(protoFile, PROTO);
});
after(() => rmSync(folder, { recursive: true }));
after(() => registry.stop());

const SUBJECTS: Readonly<Record<string, Subject>> = {
  json: { options: () => 'json', value: () => Buffer.from(LINE), raw: true },
  'json with options': { options: () => ({ json: {} }), value: () => Buffer.from(LINE), raw: true },
  'avro with a schema': { options: () => ({ avro: { schema: file } }), value: datum, raw: false },
  'avro with a registry, id before the payload': {
    options: () => ({ avro: { schema_registry: connection() } }),
    value: () => prefixed(avro.id, datum()),
    raw: false,
  },
  'avro with a registry, guid in a header': {
    options: () => ({ avro: { schema_registry: connection() } }),
    value: datum,
    headers: () => header(TestSchemaRegistry.guidHeader(avro.guid)),
    raw: false,
  },
  'avro with a registry, id in a header': {
    options: () => ({ avro: { schema_registry: connection(), ids_in: 'header' } }),
    value: datum,
    headers: () => header(TestSchemaRegistry.prefix(avro.id)),
    raw: false,
  },
  "avro with a registry and a reader's schema": {
    options: () => ({ avro: { schema_registry: connection(), reader_schema: file } }),
    value: () => prefixed(avro.id, datum()),
    raw: false,
  },
  'protobuf with a .proto file': {
    options: () => ({ protobuf: { schema: protoFile, message: 'Article' } }),
    value: message,
    raw: false,
    ends: [0, 2, 6],
  },
  'protobuf with a registry, id before the payload': {
    options: () => ({ protobuf: { schema_registry: connection() } }),
    value: () => prefixed(proto.id, Buffer.concat([INDEXES, message()])),
    raw: false,
    ends: [7, 9, 13],
  },
  'protobuf with a registry, guid in a header': {
    options: () => ({ protobuf: { schema_registry: connection(), message: 'Article' } }),
    value: message,
    headers: () => header(Buffer.concat([TestSchemaRegistry.guidHeader(proto.guid), INDEXES])),
    raw: false,
    ends: [0, 2, 6],
  },
  json_schema: { options: () => 'json_schema', value: () => prefixed(4711, Buffer.from(LINE)), raw: true },
  'json_schema that checks ids': {
    options: () => ({ json_schema: { check_id: true, schema_registry: connection() } }),
    value: () => prefixed(json.id, Buffer.from(LINE)),
    raw: true,
  },
};

const faultOf = async (codec: Codec, value: Uint8Array, headers: SourceRecord['headers'] = {}) => {
  try {
    await codec.decode(value, headers);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ProcessorError, `not the document's fault: ${error}`);
    return error;
  }
};

for (const [name, { options, value, headers = () => ({}), raw, ends = [] }] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    test('reads a document, at once from the second on', async () => {
      const codec = create(options());
      for (let turn = 0; turn < 2; turn += 1) {
        const answer = codec.decode(value(), headers());
        assert.ok(turn === 0 || !(answer instanceof Promise));
        const decoded = await answer;
        assert.deepEqual(decoded.source, DOCUMENT);
        assert.equal(decoded.raw && Buffer.from(decoded.raw).toString(), raw ? LINE : undefined);
      }
      codec.close?.();
    });

    test('calls every cut and every garbage the document’s fault', async () => {
      const codec = create(options());
      const whole = Buffer.from(value());
      for (let length = 0; length < whole.length; length += 1)
        assert.equal(
          (await faultOf(codec, whole.subarray(0, length), headers())) === undefined,
          ends.includes(length),
          `the first ${length} bytes`,
        );
      assert.ok(await faultOf(codec, Buffer.concat([whole, Buffer.from('!')]), headers()));
      const start = name.includes('before') || name.includes("reader's") || name.startsWith('json_schema') ? 5 : 0;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
          await faultOf(codec, Buffer.concat([whole.subarray(0, start), bytes]), headers());
        }),
        { numRuns: 300 },
      );
      codec.close?.();
    });
  });
}

describe('ids', () => {
  test('that the registry does not know are the document’s fault, remembered without asking again', async () => {
    const codec = create({ avro: { schema_registry: connection() } });
    const value = prefixed(999, datum());
    assert.equal((await faultOf(codec, value))?.type, 'unknown_schema_id');
    const asked = registry.requests.length;
    assert.throws(() => codec.decode(value, {}), { type: 'unknown_schema_id' });
    assert.equal(registry.requests.length, asked);
  });

  test('of another type of schema are the document’s fault', async () => {
    const codec = create({ avro: { schema_registry: connection() } });
    assert.match((await faultOf(codec, prefixed(json.id, datum())))!.message, /is of type JSON, not AVRO/);
    const checking = create({ json_schema: { check_id: true, schema_registry: connection() } });
    assert.equal((await faultOf(checking, prefixed(avro.id, Buffer.from(LINE))))?.type, 'unusable_schema');
  });

  test('of Protobuf say which message it is, and their schemas import others', async () => {
    await registry.register('money', 'syntax = "proto3"; package m; message Money { sint64 units = 1; }', {
      schemaType: 'PROTOBUF',
    });
    const text =
      'syntax = "proto3"; package o; import "m/money.proto"; message A { message B {} message C { m.Money sum = 1; } }';
    const references = [{ name: 'm/money.proto', subject: 'money', version: 1 }];
    const { id } = await registry.register('orders', text, { schemaType: 'PROTOBUF', references });
    const codec = create({ protobuf: { schema_registry: connection() } });
    const read = async (hex: string) => (await codec.decode(prefixed(id, Buffer.from(hex, 'hex')), {})).source;
    // Two indexes: 0, and 1 in it. Then one index, written as a single 0.
    assert.deepEqual(await read('0400020a020803'), { sum: { units: -2 } });
    assert.deepEqual(await read('00'), {});
    assert.match((await faultOf(codec, prefixed(id, Buffer.from('0206', 'hex'))))!.message, /has no message \[3\]/);
    assert.match((await faultOf(codec, prefixed(id, Buffer.from('fe', 'hex'))))!.message, /ends within a number/);
    const other = create({ protobuf: { schema_registry: connection(), message: 'o.A' } });
    assert.match((await faultOf(other, prefixed(id, Buffer.from('040002', 'hex'))))!.message, /is a o.A.C, not a o.A/);
    assert.match((await faultOf(codec, prefixed(avro.id, Buffer.from('00', 'hex'))))!.message, /AVRO, not PROTOBUF/);
  });

  test('are where ids_in says', async () => {
    const strict = create({ avro: { schema_registry: connection(), ids_in: 'header' } });
    assert.match((await faultOf(strict, prefixed(avro.id, datum())))!.message, /no header \[__value_schema_id\]/);
    const payload = create({ avro: { schema_registry: connection(), ids_in: 'payload' } });
    const misleading = header(TestSchemaRegistry.prefix(999));
    assert.deepEqual((await payload.decode(prefixed(avro.id, datum()), misleading)).source, DOCUMENT);
    assert.match((await faultOf(payload, Buffer.from('{}')))!.message, /magic byte .* but with 0x7b/);
  });

  test('wait for a registry that is in trouble', async () => {
    await using own = await TestSchemaRegistry.start();
    const { id } = await own.register('a', ARTICLE);
    own.trouble = 500;
    const codec = create({ avro: { schema_registry: { url: own.url } } });
    const answers = Array.from({ length: 50 }, () => codec.decode(prefixed(id, datum()), {}));
    while (own.requests.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    own.trouble = undefined;
    for (const { source } of await Promise.all(answers)) assert.deepEqual(source, DOCUMENT);
    assert.ok(own.requests.length < 10);
  });

  test('have schemas that name the types of others', async () => {
    const author = { type: 'record', name: 'Author', namespace: 'n', fields: [{ name: 'name', type: 'string' }] };
    await registry.register('n.Author', author);
    const { id } = await registry.register(
      'books-value',
      { type: 'record', name: 'n.Book', fields: [{ name: 'by', type: ['null', 'Author'] }] },
      { references: [{ name: 'n.Author', subject: 'n.Author', version: 1 }] },
    );
    const codec = create({ avro: { schema_registry: connection() } });
    const { source } = await codec.decode(prefixed(id, Buffer.from('0202 41'.replace(' ', ''), 'hex')), {});
    assert.deepEqual(source, { by: { name: 'A' } });
  });
});

test('whatever avsc writes with any schema is read as it was meant', () => {
  const own = inFolder();
  let runs = 0;
  fc.assert(
    fc.property(avroSchemas(), ({ schema, value, expected }) => {
      const path = join(own, `${runs++}.avsc`);
      writeFileSync(path, JSON.stringify(schema));
      const type = avsc.Type.forSchema(schema as never, { wrapUnions: 'always', registry: { long: longType } });
      const bytes = type.toBuffer(value);
      const codec = create({ avro: { schema: path } });
      assert.equal(writeJson((codec.decode(bytes, {}) as Decoded).source), writeJson(expected));
      const reading = create({ avro: { schema: path, reader_schema: path } });
      assert.equal(writeJson((reading.decode(bytes, {}) as Decoded).source), writeJson(expected));
    }),
    { numRuns: 300 },
  );
});

describe('pipeline files', () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const example = readFileSync('pipelines/articles-avro.yaml', 'utf8');
  const validate = (text: string) => {
    const path = join(inFolder(), 'stream.yaml');
    writeFileSync(path, text);
    return loadStream(path, quiet).mistakes;
  };

  test('the example is valid', () => assert.deepEqual(validate(example), []));

  test('a schema file that is missing or wrong is a mistake at its place', () => {
    const at = example.slice(0, example.indexOf('schema: schemas/article.avsc') + 'schema: '.length).split('\n');
    const place = { line: at.length, column: at.at(-1)!.length + 1 };
    const [missing, ...more] = validate(example.replace('schema: schemas/article.avsc', 'schema: gone.avsc'));
    assert.deepEqual(more, []);
    assert.deepEqual({ line: missing?.line, column: missing?.column }, place);
    assert.match(missing!.message, /the schema file \[gone.avsc\] is not there/);
    const [wrong] = validate(example.replace('schema: schemas/article.avsc', 'schema: package.json'));
    assert.deepEqual({ line: wrong?.line, column: wrong?.column }, place);
    assert.match(wrong!.message, /is not an Avro schema/);
  });
});

describe('options', () => {
  const mistakes = (options: unknown) => {
    const parsed = codecOptions.safeParse(options);
    return parsed.success ? '' : JSON.stringify(parsed.error.issues);
  };

  test('say what is wrong with them', () => {
    assert.match(mistakes('avro'), /a codec is one of \[json, json_schema\], or an object with exactly one of/);
    assert.match(mistakes({}), /exactly one of \[json, avro, json_schema, protobuf\]/);
    assert.match(mistakes({ avro: {} }), /exactly one of \[schema, schema_registry\]/);
    assert.match(mistakes({ avro: { schema: 'x', ids_in: 'header' } }), /ids_in goes with schema_registry/);
    assert.match(mistakes({ avro: { schema_registry: { url: 'registry:8081' } } }), /not a URL/);
    assert.match(mistakes({ protobuf: {} }), /exactly one of \[schema, schema_registry\]/);
    assert.match(mistakes({ protobuf: { schema: 'x', ids_in: 'header' } }), /ids_in goes with schema_registry/);
    assert.match(mistakes({ json_schema: { check_id: true } }), /check_id needs \[schema_registry\]/);
  });

  test('are all described', () => {
    const bare: string[] = [];
    const walk = (at: unknown, path: string): void => {
      if (typeof at !== 'object' || at === null) return;
      const { properties = {}, ...rest } = at as { properties?: Record<string, { description?: string }> };
      for (const [key, option] of Object.entries(properties)) {
        if (option.description === undefined) bare.push(`${path}.${key}`);
        walk(option, `${path}.${key}`);
      }
      for (const inner of Object.values(rest)) walk(inner, path);
    };
    walk(z.toJSONSchema(codecOptions, { io: 'input', unrepresentable: 'any' }), 'codec');
    const WORDS = ['username', 'basic'];
    assert.deepEqual(
      bare.filter((path) => !WORDS.includes(path.split('.').at(-1)!)),
      [],
    );
  });

  test('name files that are there and hold schemas', () => {
    const check = (options: z.input<typeof codecOptions>) => checkCodec(codecOptions.parse(options) as CodecOptions);
    assert.deepEqual(check({ avro: { schema: file, reader_schema: file } }), []);
    assert.deepEqual(check({ protobuf: { schema: protoFile, message: 'Article' } }), []);
    const [which] = check({ protobuf: { schema: protoFile } });
    assert.deepEqual(which?.path, ['protobuf', 'schema']);
    assert.match(which.message, /message must say which of \[Note, Article\]/);
    const [missing] = check({ avro: { schema: 'no/such.avsc' } });
    assert.deepEqual(missing?.path, ['avro', 'schema']);
    assert.match(missing.message, /\[no\/such.avsc\] is not there. Looked for /);
    const wrong = join(inFolder(), 'wrong.avsc');
    writeFileSync(wrong, '"string"');
    assert.match(check({ avro: { schema: wrong } })[0]!.message, /describes string, not a record or map/);
    writeFileSync(wrong, '{');
    const [invalid] = check({ avro: { schema: file, reader_schema: wrong } });
    assert.deepEqual(invalid?.path, ['avro', 'reader_schema']);
    assert.match(invalid.message, /is not an Avro schema: not JSON/);
    writeFileSync(wrong, JSON.stringify({ ...ARTICLE, fields: [{ name: 'more', type: 'int' }] }));
    assert.match(check({ avro: { schema: file, reader_schema: wrong } })[0]!.message, /has no field \[more\]/);
  });
});
