import { z } from 'zod';
import { schemaRegistrySchema } from '../../connections/schema_registry/options.ts';
import { idsIn } from '../framing.ts';

export const protobufOptions = z
  .strictObject({
    schema: z
      .string()
      .optional()
      .describe('Path of a .proto file, or of a descriptor set (protoc --descriptor_set_out --include_imports).'),
    import_paths: z
      .array(z.string())
      .optional()
      .describe("Folders in which a .proto file's imports are looked up. Default: the file's own."),
    schema_registry: schemaRegistrySchema
      .optional()
      .describe("Registry that has the values' schemas; values carry the id of theirs in Confluent's wire format."),
    message: z
      .string()
      .optional()
      .describe(
        'Full name of the message. Default: the only one of the file; with a registry, the one that the value names.',
      ),
    field_names: z
      .enum(['json', 'proto'])
      .default('json')
      .describe('json: lowerCamelCase, or json_name where the schema has it. proto: as the schema writes them.'),
    defaults: z
      .boolean()
      .default(false)
      .describe('true: fields that have their default are there too; Protobuf does not write them.'),
    ids_in: idsIn,
  })
  .superRefine(({ schema, schema_registry, ids_in, import_paths }, context) => {
    if ((schema === undefined) === (schema_registry === undefined))
      context.addIssue('protobuf must have exactly one of [schema, schema_registry]');
    if (schema !== undefined && ids_in !== undefined)
      context.addIssue({ code: 'custom', path: ['ids_in'], message: 'ids_in goes with schema_registry' });
    if (schema === undefined && import_paths !== undefined)
      context.addIssue({ code: 'custom', path: ['import_paths'], message: 'import_paths goes with schema' });
  });
export type ProtobufOptions = z.output<typeof protobufOptions>;
