import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compile } from '../../test/ingest/run-pipeline.ts';

const MISTAKES: [what: string, processor: unknown, message: string, path: string][] = [
  [
    'a type that does not exist',
    { sett: {} },
    'No processor type exists with name [sett] (did you mean [set]?)',
    'sett',
  ],
  [
    'two types in one',
    { drop: {}, set: {} },
    'a processor is written as one key, its type, with its options below',
    '',
  ],
  ['options that are none', { set: [] }, 'the options of [set] must be an object', 'set'],
  ['a missing option', { set: { field: 'a' } }, '[value] required property is missing', 'set'],
  ['an option that is null', { set: { field: 'a', value: null } }, '[value] required property is missing', 'set'],
  [
    'a wrong kind of value',
    { set: { field: 1, value: 1 } },
    "[field] property isn't a string, but of type [java.lang.Integer]",
    'set.field',
  ],
  [
    'a text for a boolean',
    { set: { field: 'a', value: 1, override: 'yes' } },
    "[override] property isn't a boolean, but of type [java.lang.String]",
    'set.override',
  ],
  [
    'a text for a list',
    { date: { field: 'a', formats: 'yyyy' } },
    "[formats] property isn't a list, but of type [java.lang.String]",
    'date.formats',
  ],
  [
    'a list for an object',
    { foreach: { field: 'a', processor: [] } },
    "[processor] property isn't a map, but of type [java.util.ArrayList]",
    'foreach.processor',
  ],
  [
    'a number for a string or a list',
    { remove: { field: 1 } },
    "[field] property isn't a string or a list, but of type [java.lang.Integer]",
    'remove.field',
  ],
  [
    'a number in a list of strings',
    { remove: { field: ['a', 1] } },
    "[field.1] property isn't a string, but of type [java.lang.Integer]",
    'remove.field.1',
  ],
  [
    'an unknown option',
    { set: { field: 'a', value: 1, overide: true } },
    "processor [set] doesn't support one or more provided configuration parameters [overide] (did you mean [override]?)",
    'set.overide',
  ],
  [
    'an unknown option that is null',
    { drop: { wrong: null } },
    "processor [drop] doesn't support one or more provided configuration parameters [wrong]",
    'drop.wrong',
  ],
  [
    'an unknown option further down',
    { inference: { model_id: 'm', input_output: [{ input_field: 'a', output_field: 'b', x: 1 }] } },
    "processor [inference] doesn't support one or more provided configuration parameters [x]",
    'inference.input_output.0.x',
  ],
  [
    'a missing option further down',
    { inference: { model_id: 'm', input_output: { input_field: 'a' } } },
    '[input_output.output_field] required property is missing',
    'inference.input_output',
  ],
  [
    'a tag that is no text',
    { drop: { tag: 1 } },
    "[tag] property isn't a string, but of type [java.lang.Integer]",
    'drop.tag',
  ],
  [
    'an empty on_failure',
    { drop: { on_failure: [] } },
    '[on_failure] processors list cannot be empty',
    'drop.on_failure',
  ],
  [
    'a mistake inside of on_failure',
    { drop: { on_failure: [{ set: { field: 'a' } }] } },
    '[value] required property is missing',
    'drop.on_failure.0.set',
  ],
  [
    'a mistake inside of a foreach',
    { foreach: { field: 'a', processor: { set: { field: 'a' } } } },
    '[value] required property is missing',
    'foreach.processor.set',
  ],
  [
    'a template that is broken',
    { set: { field: 'a{{b', value: 1 } },
    '[field] [}}] is missing at offset 1',
    'set.field',
  ],
  [
    'a template deep in a value',
    { set: { field: 'a', value: [{ x: '{{#y}}' }] } },
    '[value] [{{#y}}] is never closed at offset 0',
    'set.value',
  ],
];

describe('mistakes are told in the words of Elasticsearch, where they stand', () => {
  for (const [what, processor, message, path] of MISTAKES) {
    test(what, () => {
      const { problems } = compile({ processors: [processor] });
      assert.deepEqual(
        problems.map((problem) => ({ message: problem.message, path: problem.path.join('.') })),
        [{ message, path: `processors.0${path === '' ? '' : `.${path}`}` }],
      );
    });
  }

  test('all of them are found in one go', () => {
    const { problems, pipeline } = compile({
      processors: [{ set: { x: 1 } }, { drop: {} }, { gsub: { field: 'a', pattern: '(', replacement: '' } }],
      on_failure: [{ absent: {} }],
    });
    assert.deepEqual(
      problems.map(({ path }) => path.join('.')),
      ['processors.0.set', 'processors.0.set.x', 'processors.2.gsub.pattern', 'on_failure.0.absent'],
    );
    assert.deepEqual(
      pipeline.steps.map(({ type }) => type),
      ['drop'],
    );
  });
});

test('an option that is null counts as not given', () => {
  const { problems, pipeline } = compile({
    processors: [{ set: { field: 'a', value: 1, override: null, tag: null, if: null, on_failure: null } }],
  });
  assert.deepEqual(problems, []);
  assert.equal(pipeline.steps[0]?.tag, undefined);
});
