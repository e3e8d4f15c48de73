import { z } from 'zod';
import { COMMON_OPTIONS } from '../pipeline/compile.ts';
import { PROCESSORS } from '../processors/table.ts';
import { streamSchema } from './stream-config.ts';

type Schema = Record<string, unknown>;

const toSchema = (type: z.ZodType): Schema => {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Schema;
  return schema;
};

/** The JSON Schema of a pipeline file, so that editors complete and check it. */
export const pipelineSchema = (): Schema => {
  const stream = toSchema(streamSchema) as { properties: Record<string, Schema> };
  const list: Schema = { type: 'array', items: { $ref: '#/$defs/processor' } };
  for (const key of ['processors', 'on_failure']) stream.properties[key] = { ...stream.properties[key], ...list };
  stream.properties.pipelines = {
    type: 'object',
    description: stream.properties.pipelines?.description,
    additionalProperties: {
      type: 'object',
      required: ['processors'],
      properties: { description: { type: 'string' }, processors: list, on_failure: list },
    },
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'sluice pipeline',
    ...stream,
    $defs: {
      processor: {
        type: 'object',
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
        properties: Object.fromEntries(
          Object.entries(PROCESSORS).map(([type, definition]) => [
            type,
            processorSchema(definition.summary, definition.options),
          ]),
        ),
      },
    },
  };
};

const processorSchema = (summary: string, options: z.ZodType): Schema => {
  const own = toSchema(options) as { properties?: Schema };
  const common = toSchema(z.looseObject(COMMON_OPTIONS)) as { properties: Schema };
  const schema: Schema = {
    ...own,
    description: summary,
    properties: {
      ...own.properties,
      ...common.properties,
      on_failure: { type: 'array', items: { $ref: '#/$defs/processor' } },
    },
  };
  // `- drop:` has no options at all.
  return own.properties === undefined || Object.keys(own.properties).length === 0
    ? { ...schema, type: ['object', 'null'] }
    : schema;
};
