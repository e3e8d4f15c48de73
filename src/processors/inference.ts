import { z } from 'zod';
import { defineProcessor } from '../pipeline/definition.ts';
import { outputPairs } from './inference-pairs.ts';
import { inferText } from './inference-text.ts';

const pair = z.strictObject({
  input_field: z.string().describe('The text to read.'),
  output_field: z.string().describe('Where the main result goes.'),
});

export const inference = defineProcessor({
  type: 'inference',
  summary: 'Runs a model on a text of the document and writes what it says.',
  options: z
    .strictObject({
      model_id: z.string().describe('Name of a model under `models`.'),
      target_field: z
        .string()
        .optional()
        .describe('Where the results go; default `ml.inference`, or `ml.inference.TAG` with a tag.'),
      field_map: z
        .record(z.string(), z.string())
        .optional()
        .describe('Fields of the document by the names the model knows: `{ body: text_field }`.'),
      inference_config: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .optional()
        .describe('One task with its options, e.g. `{ ner: {} }`.'),
      input_output: z
        .union([pair, z.array(pair)])
        .optional()
        .describe('Texts to read and where the main results go, in place of target_field and field_map.'),
      ignore_missing: z
        .boolean()
        .optional()
        .describe('With input_output: leave out texts that are missing, in place of failing.'),
    })
    .refine(({ inference_config: config }) => config === undefined || Object.keys(config).length === 1, {
      path: ['inference_config'],
      message: 'must be an object with one inference type mapped to an object.',
    })
    .superRefine(({ input_output, target_field, field_map, inference_config, ignore_missing }, context) => {
      const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
      if (input_output === undefined) {
        if (ignore_missing !== undefined) refuse('ignore_missing', 'option is only for [input_output]');
        return;
      }
      const use = 'Use the [output_field] option to specify where to write the inference results to.';
      if (target_field !== undefined) refuse('target_field', `option is incompatible with [input_output]. ${use}`);
      if (field_map !== undefined) refuse('field_map', 'option is incompatible with [input_output].');
      if (Object.values(inference_config ?? {}).some(({ results_field }) => results_field !== undefined))
        refuse('inference_config', `[results_field] setting is incompatible with using [input_output]. ${use}`);
      const pairs = [input_output].flat();
      if (pairs.length === 0) refuse('input_output', 'property cannot be empty at least one is required');
      for (const key of ['input_field', 'output_field'] as const) {
        const names = pairs.map((each) => each[key]);
        const repeated = names.find((name, index) => names.indexOf(name) !== index);
        if (repeated !== undefined)
          refuse('input_output', `[${key}] names must be unique but [${repeated}] is repeated`);
      }
    }),
  example: {
    options: {
      model_id: 'enrich',
      target_field: 'ml',
      field_map: { body: 'text_field' },
      inference_config: { ner: {} },
    },
    before: { body: 'Rome' },
    after: {
      body: 'Rome',
      ml: {
        predicted_value: '[Rome](LOC&Rome)',
        entities: [{ entity: 'Rome', class_name: 'LOC' }],
        model_id: 'enrich',
      },
    },
  },
  build: ({ model_id, inference_config, input_output, target_field, field_map, ignore_missing }, context) => {
    const bind = (input: string) => context.inference.bind(model_id, inference_config, input);
    if (input_output !== undefined)
      return outputPairs({ model_id, pairs: [input_output].flat(), ignoreMissing: ignore_missing === true, bind });
    const { tag } = context;
    return inferText({
      model_id,
      target: target_field ?? (tag === undefined ? 'ml.inference' : `ml.inference.${tag}`),
      fieldMap: field_map ?? {},
      bind,
    });
  },
});
