import { z } from 'zod';
import { schemaRegistrySchema } from '../connections/schema_registry/options.ts';
import type { SchemaRegistry } from '../connections/schema_registry/registry.ts';
import type { Clock } from '../core/clock.ts';
import type { Codec } from '../core/contracts.ts';
import { ProcessorError } from '../core/errors.ts';
import { type IdsIn, idsIn, unframe } from './framing.ts';
import { jsonCodec } from './json.ts';
import { SchemaCache } from './schema-cache.ts';

export const jsonSchemaOptions = z
  .strictObject({
    schema_registry: schemaRegistrySchema.optional().describe('Registry to look ids up in; only check_id needs it.'),
    check_id: z
      .boolean()
      .default(false)
      .describe('true: the id must be that of a JSON Schema in the registry. Documents are not validated against it.'),
    ids_in: idsIn,
  })
  .superRefine(({ check_id, schema_registry }, context) => {
    if (check_id && schema_registry === undefined) context.addIssue('check_id needs [schema_registry]');
  });
export type JsonSchemaOptions = z.output<typeof jsonSchemaOptions>;

export interface JsonSchemaParts {
  /** Given where ids are to be checked. */
  readonly registry: SchemaRegistry | undefined;
  readonly clock: Clock;
  readonly idsIn: IdsIn;
}

/** JSON behind Confluent's framing, read exactly as the json codec does. */
export const jsonSchemaCodec = ({ registry, clock, idsIn }: JsonSchemaParts): Codec => {
  const json = jsonCodec();
  const known =
    registry &&
    new SchemaCache(registry, clock, (schema) => {
      if (schema.type === 'JSON') return schema;
      throw new ProcessorError('unusable_schema', `schema ${schema.id} is of type ${schema.type}, not JSON`);
    });
  return {
    type: 'json_schema',
    decode: (value, headers) => {
      const { id, body } = unframe(value, headers, idsIn);
      const checked = known?.get(id);
      return checked instanceof Promise ? checked.then(() => json.decode(body, headers)) : json.decode(body, headers);
    },
    close: () => registry?.close(),
  };
};
