import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAvroSchema, type RecordSchema } from './schema.ts';

const parse = (schema: unknown, defaults = false) =>
  parseAvroSchema(typeof schema === 'string' ? schema : JSON.stringify(schema), { defaults });

test('names what is wrong with a schema', () => {
  assert.throws(() => parse('{'), { name: 'AvroSchemaError', message: /not JSON/ });
  assert.throws(() => parse({ type: 'record', name: 'R' }), { name: 'AvroSchemaError', message: /fields/ });
  assert.throws(() => parse({ type: 'record', name: 'R', fields: [{ name: 'v', type: 'Nope' }] }), {
    name: 'AvroSchemaError',
    message: /undefined type name: Nope/,
  });
  assert.throws(() => parse('null'.repeat(2)), { name: 'AvroSchemaError' });
  assert.throws(() => parse(`${'{"type":"array","items":'.repeat(5000)}"int"${'}'.repeat(5000)}`), {
    name: 'AvroSchemaError',
  });
});

test('takes what Java takes', () => {
  const { fields } = parse({
    type: 'record',
    name: 'R',
    namespace: 'a.b',
    fields: [
      { name: 'nested', type: { type: { type: 'string' } } },
      { name: 'union', type: { type: ['null', 'R'] } },
      { name: 'named', type: { type: 'array', items: { type: 'a.b.R' } } },
      { name: 'java', type: { type: 'string', 'avro.java.string': 'String' } },
    ],
  }) as RecordSchema;
  assert.deepEqual(
    fields.map(({ schema }) => schema.kind),
    ['string', 'union', 'array', 'string'],
  );
});

test('wrong defaults matter only where defaults are used', () => {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'v', type: ['string', 'null'], default: null }] };
  assert.equal(parse(schema).kind, 'record');
  assert.throws(() => parse(schema, true), /default/);
});

test('finds names in references', () => {
  const reference = JSON.stringify({ type: 'record', name: 'a.Author', fields: [{ name: 'name', type: 'string' }] });
  const text = JSON.stringify({ type: 'record', name: 'a.Article', fields: [{ name: 'by', type: 'Author' }] });
  const schema = parseAvroSchema(text, { references: [reference], defaults: false }) as RecordSchema;
  assert.equal(schema.fields[0]!.schema.kind, 'record');
});

test('takes any valid name', () => {
  const symbols = ['A', 'constructor', '__proto__', 'toString'];
  const { fields } = parse({
    type: 'record',
    name: 'constructor',
    fields: [
      { name: 'v', type: { type: 'enum', name: 'toString', symbols, default: 'constructor' } },
      { name: 'hasOwnProperty', type: { type: 'array', items: 'constructor' } },
    ],
  }) as RecordSchema;
  const [field] = fields;
  assert.ok(field?.schema.kind === 'enum');
  assert.deepEqual(field.schema.symbols, symbols);
  assert.equal(field.schema.fallback, 'constructor');
});
