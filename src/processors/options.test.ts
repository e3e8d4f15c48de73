import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compile } from '../../test/ingest/run-pipeline.ts';

/** What is wrong with options that do not fit each other, in Elasticsearch's words where it has any. */
const REFUSED: [processor: string, options: object, message: string][] = [
  [
    'set',
    { field: 'a', value: 1, copy_from: 'b' },
    '[copy_from] cannot set both `copy_from` and `value` in the same processor',
  ],
  ['append', { field: 'a' }, '[value] required property is missing'],
  [
    'append',
    { field: 'a', value: 1, copy_from: 'b' },
    '[copy_from] cannot set both `copy_from` and `value` in the same processor',
  ],
  [
    'append',
    { field: 'a', value: 1, media_type: 'text/html' },
    '[media_type] property does not contain a supported media type [text/html]',
  ],
  ['remove', {}, '[keep] or [field] must be specified'],
  ['remove', { field: [] }, '[keep] or [field] must be specified'],
  ['remove', { field: 'a', keep: ['b'] }, '[keep] and [field] cannot both be used in the same processor'],
  ['convert', { field: 'a', type: 'Date' }, '[type] type [date] not supported, cannot convert field.'],
  ['gsub', { field: 'a', pattern: '[', replacement: '' }, '[pattern] Invalid regex pattern. '],
  ['gsub', { field: 'a', pattern: 'a', replacement: '$1' }, 'Illegal group reference'],
  ['split', { field: 'a', separator: '(' }, '[separator] Invalid regex pattern. '],
  [
    'json',
    { field: 'a', target_field: 'b', add_to_root: true },
    '[target_field] Cannot set a target field while also setting `add_to_root` to true',
  ],
  [
    'json',
    { field: 'a', add_to_root_conflict_strategy: 'merge' },
    '[add_to_root_conflict_strategy] Cannot set `add_to_root_conflict_strategy` if `add_to_root` is false',
  ],
  [
    'json',
    { field: 'a', add_to_root: true, add_to_root_conflict_strategy: 'keep' },
    '[add_to_root_conflict_strategy] conflict strategy [keep] not supported, cannot convert field.',
  ],
  [
    'date',
    { field: 'a', formats: ['yyyy', 'yyyy-bb'] },
    '[formats.1] Invalid format: [yyyy-bb]: Unknown pattern letter: b',
  ],
  [
    'date',
    { field: 'a', formats: ['YYYY'] },
    '[formats.0] Invalid format: [YYYY]: the pattern letter [Y] is not supported',
  ],
  [
    'date',
    { field: 'a', formats: ['week_date'] },
    '[formats.0] the format [week_date] is not supported by name: write its pattern',
  ],
  ['date', { field: 'a', formats: ['yyyy'], timezone: 'Mars/Base' }, '[timezone] Unknown time-zone ID: Mars/Base'],
  ['date', { field: 'a', formats: ['yyyy'], locale: 'qqq' }, '[locale] Unknown language: qqq'],
  [
    'date',
    { field: 'a', formats: ['yyyy'], output_format: "yyyy-'x" },
    "[output_format] invalid output format [yyyy-'x]: Invalid format: [yyyy-'x]: Pattern ends with an incomplete string literal",
  ],
  ['foreach', { field: 'a', processor: {} }, '[processor] Must specify exactly one processor type'],
  ['inference', { model_id: 'unknown' }, 'no model [unknown]'],
  [
    'inference',
    { model_id: 'm', inference_config: {} },
    '[inference_config] must be an object with one inference type mapped to an object.',
  ],
  [
    'inference',
    { model_id: 'm', inference_config: { ner: {}, text_embedding: {} } },
    '[inference_config] must be an object with one inference type mapped to an object.',
  ],
  [
    'inference',
    { model_id: 'm', target_field: 'x', input_output: { input_field: 'a', output_field: 'b' } },
    '[target_field] option is incompatible with [input_output]. Use the [output_field] option to specify where to write the inference results to.',
  ],
  [
    'inference',
    { model_id: 'm', field_map: {}, input_output: { input_field: 'a', output_field: 'b' } },
    '[field_map] option is incompatible with [input_output].',
  ],
  ['inference', { model_id: 'm', ignore_missing: true }, '[ignore_missing] option is only for [input_output]'],
  [
    'inference',
    { model_id: 'm', input_output: [] },
    '[input_output] property cannot be empty at least one is required',
  ],
  [
    'inference',
    {
      model_id: 'm',
      input_output: [
        { input_field: 'a', output_field: 'b' },
        { input_field: 'a', output_field: 'c' },
      ],
    },
    '[input_output] [input_field] names must be unique but [a] is repeated',
  ],
  [
    'inference',
    {
      model_id: 'm',
      inference_config: { ner: { results_field: 'x' } },
      input_output: { input_field: 'a', output_field: 'b' },
    },
    '[inference_config] [results_field] setting is incompatible with using [input_output]. Use the [output_field] option to specify where to write the inference results to.',
  ],
];

describe('options that do not fit are refused', () => {
  for (const [type, options, message] of REFUSED) {
    test(`${type} ${JSON.stringify(options)}`, () => {
      const { problems } = compile({ processors: [{ [type]: options }] });
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.ok(problems[0]!.message.startsWith(message), problems[0]!.message);
    });
  }
});
