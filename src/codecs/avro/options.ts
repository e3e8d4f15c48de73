import { z } from 'zod';
import { schemaRegistrySchema } from '../../connections/schema_registry/options.ts';
import { idsIn } from '../framing.ts';

export const avroOptions = z
  .strictObject({
    schema: z
      .string()
      .optional()
      .describe('Path of the schema (.avsc) that all values were written with; values are bare Avro.'),
    schema_registry: schemaRegistrySchema
      .optional()
      .describe("Registry that has the values' schemas; values carry the id of theirs in Confluent's wire format."),
    reader_schema: z
      .string()
      .optional()
      .describe('Path of a schema (.avsc) that documents are read as, with its defaults and aliases.'),
    ids_in: idsIn,
  })
  .superRefine(({ schema, schema_registry, ids_in }, context) => {
    if ((schema === undefined) === (schema_registry === undefined))
      context.addIssue('avro must have exactly one of [schema, schema_registry]');
    if (schema !== undefined && ids_in !== undefined)
      context.addIssue({ code: 'custom', path: ['ids_in'], message: 'ids_in goes with schema_registry' });
  });
export type AvroOptions = z.output<typeof avroOptions>;
