import { z } from 'zod';
import type { IngestDocument } from '../core/document.ts';
import { illegalArgument } from '../core/errors.ts';
import type { InferenceStep } from '../core/inference.ts';
import { getKey, javaType, type PlainObject } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';

const pair = z.strictObject({ input_field: z.string(), output_field: z.string().optional() });

/** The name of the input that Elasticsearch's text models read. */
const TEXT_FIELD = 'text_field';

export const inference = defineProcessor({
  type: 'inference',
  summary: 'Runs a model on a text of the document and writes what it says.',
  options: z.strictObject({
    model_id: z.string().describe('Name of a model under `models`.'),
    target_field: z.string().optional().describe('Where the results go; default ml.inference, or ml.inference.TAG.'),
    field_map: z
      .record(z.string(), z.string())
      .optional()
      .describe('Maps fields of the document to the names the model knows: { body: text_field }.'),
    inference_config: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .optional()
      .describe('One task with its options, e.g. { ner: {} }.'),
    input_output: z
      .union([pair, z.array(pair).min(1)])
      .optional()
      .describe('Fields to read and where the main result goes, in place of target_field and field_map.'),
    ignore_missing: z.boolean().default(false).describe('Do nothing where an input field of input_output is missing.'),
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
  build: (options, { inference: client }) => {
    const { model_id, inference_config, input_output, target_field, field_map } = options;
    if (input_output !== undefined) {
      if (target_field !== undefined) throw new Error('option [target_field] cannot be used with [input_output]');
      if (field_map !== undefined) throw new Error('option [field_map] cannot be used with [input_output]');
      const pairs = [input_output].flat().map(({ input_field, output_field }) => ({
        input: input_field,
        output: output_field ?? input_field,
        step: client.bind(model_id, inference_config, input_field),
      }));
      return { mode: 'async', start: (document, done) => inferPairs(document, pairs, options, done) };
    }
    const input = Object.entries(field_map ?? {}).find(([, name]) => name === TEXT_FIELD)?.[0] ?? TEXT_FIELD;
    const step = client.bind(model_id, inference_config, input);
    const target = target_field ?? 'ml.inference';
    return {
      mode: 'async',
      start: (document, done) => {
        const text = textAt(document, input);
        step.infer(document, text, (error, result) => {
          if (error !== undefined) return done(error);
          finish(done, () => write(document, target, { ...result, model_id }));
        });
      },
    };
  },
});

const textAt = (document: IngestDocument, field: string): string => {
  const value = document.find(field);
  if (value === undefined || value === null)
    throw illegalArgument(`Input field [${field}] does not exist in the source document`);
  if (typeof value !== 'string')
    throw illegalArgument(`Input field [${field}] of type [${javaType(value)}] must be a string`);
  return value;
};

/** Results in a field that is there already are appended, as in Elasticsearch. */
const write = (document: IngestDocument, target: string, result: PlainObject): void => {
  if (document.has(target)) document.append(target, [result], true);
  else document.set(target, result);
};

interface Pair {
  readonly input: string;
  readonly output: string;
  readonly step: InferenceStep;
}

/** All texts are inferred before anything is written: a failure leaves the document as it was. */
const inferPairs = (
  document: IngestDocument,
  pairs: readonly Pair[],
  {
    model_id,
    ignore_missing,
    inference_config,
  }: {
    model_id: string;
    ignore_missing: boolean;
    inference_config?: Record<string, Record<string, unknown>> | undefined;
  },
  done: (error?: Error) => void,
): void => {
  const wanted = pairs.filter(({ input }) => !ignore_missing || document.find(input) !== undefined);
  const texts = wanted.map(({ input }) => textAt(document, input));
  const results: PlainObject[] = [];
  const [options] = Object.values(inference_config ?? {});
  const field = typeof options?.results_field === 'string' ? options.results_field : 'predicted_value';
  const next = (at: number): void => {
    const pairAt = wanted[at];
    if (pairAt === undefined) {
      return finish(done, () => {
        wanted.forEach(({ output }, index) => document.set(output, getKey(results[index]!, field) ?? null));
        if (wanted.length > 0) document.set('model_id', model_id);
      });
    }
    pairAt.step.infer(document, texts[at]!, (error, result) => {
      if (error !== undefined) return done(error);
      results.push(result ?? {});
      next(at + 1);
    });
  };
  next(0);
};

/** What writing throws is the processor's failure, not its caller's. */
const finish = (done: (error?: Error) => void, work: () => void): void => {
  try {
    work();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
};
