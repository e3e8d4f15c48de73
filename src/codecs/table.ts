import { z } from 'zod';
import { RegistryHttp } from '../connections/schema_registry/http.ts';
import type { SchemaRegistryOptions } from '../connections/schema_registry/options.ts';
import { type RegistryLog, SchemaRegistry } from '../connections/schema_registry/registry.ts';
import type { Clock } from '../core/clock.ts';
import type { Codec } from '../core/contracts.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { avroCodec, registeredAvroCodec } from './avro/codec.ts';
import { type AvroOptions, avroOptions } from './avro/options.ts';
import { readSchemaFile } from './avro/schema-file.ts';
import { jsonCodec, jsonOptions } from './json.ts';
import { jsonSchemaCodec, jsonSchemaOptions } from './json-schema.ts';
import { protobufCodec, registeredProtobufCodec } from './protobuf/codec.ts';
import { protobufOptions } from './protobuf/options.ts';
import { readProtoSchema } from './protobuf/schema-file.ts';

/** Codecs that a bare name stands for. */
const NAMES = ['json', 'json_schema'] as const;

const CODECS = {
  json: jsonOptions.optional().describe('JSON objects.'),
  avro: avroOptions.optional().describe('Avro: bare, or in the wire format of a schema registry.'),
  json_schema: jsonSchemaOptions.optional().describe("JSON behind Confluent's framing."),
  protobuf: protobufOptions
    .optional()
    .describe('Protobuf: bare, or in the wire format of a schema registry; documents as in its JSON mapping.'),
};
const FORM = `one of [${NAMES.join(', ')}], or an object with exactly one of [${Object.keys(CODECS).join(', ')}], e.g. { avro: { schema: schemas/article.avsc } }`;

const withOptions = z.strictObject(CODECS).superRefine((value, context) => {
  if (Object.values(value).filter((options) => options !== undefined).length !== 1)
    context.addIssue(`a codec is ${FORM}`);
});

/** `codec: json`, or with options: `codec: { avro: { … } }`. */
export const codecOptions = z.union([z.enum(NAMES, { error: `a codec is ${FORM}` }), withOptions]).default('json');
export type CodecOptions = z.output<typeof codecOptions>;

export interface CodecParts {
  readonly log: RegistryLog;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Folder of the pipeline file: schema files are looked for there too. */
  readonly baseDir?: string;
}

/** @throws SluiceError SLUICE_CONFIG_UNREADABLE, SLUICE_CONFIG_INVALID for files it needs */
export const createCodec = (options: CodecOptions, parts: CodecParts): Codec => {
  if (options === 'json') return jsonCodec();
  const { avro, json_schema, protobuf }: z.output<typeof withOptions> =
    options === 'json_schema' ? { json_schema: jsonSchemaOptions.parse({}) } : options;
  const { clock, baseDir } = parts;
  if (avro !== undefined) {
    const { writer, reader } = readSchemas(avro, baseDir);
    if (writer !== undefined) return avroCodec(writer, reader);
    return registeredAvroCodec({ registry: connect(avro.schema_registry!, parts), clock, reader, idsIn: avro.ids_in });
  }
  if (json_schema !== undefined) {
    const { check_id, schema_registry, ids_in } = json_schema;
    const registry = check_id && schema_registry !== undefined ? connect(schema_registry, parts) : undefined;
    return jsonSchemaCodec({ registry, clock, idsIn: ids_in });
  }
  if (protobuf !== undefined) {
    if (protobuf.schema !== undefined) return protobufCodec(readProtoSchema(protobuf, baseDir), protobuf);
    return registeredProtobufCodec(connect(protobuf.schema_registry!, parts), clock, protobuf);
  }
  return jsonCodec();
};

const connect = (options: SchemaRegistryOptions, { clock, log, random = Math.random }: CodecParts): SchemaRegistry =>
  new SchemaRegistry({ options, clock, log, random });

const readSchemas = ({ schema, reader_schema }: AvroOptions, baseDir: string | undefined) => ({
  writer: schema === undefined ? undefined : readSchemaFile(schema, baseDir, false),
  reader: reader_schema === undefined ? undefined : readSchemaFile(reader_schema, baseDir, true),
});

/** Something wrong with a file that the options name, at the option's place below `codec`. */
export interface CodecMistake {
  readonly path: readonly string[];
  readonly message: string;
}

/** Looks at the files that a codec needs, without connecting to anything. */
export const checkCodec = (options: CodecOptions, baseDir?: string): CodecMistake[] => {
  if (typeof options === 'string') return [];
  const mistakes: CodecMistake[] = [];
  const attempt = (path: readonly string[], work: () => void): void => {
    try {
      work();
    } catch (error) {
      const hint = error instanceof SluiceError && error.hint !== undefined ? `. ${error.hint}` : '';
      mistakes.push({ path, message: `${messageOf(error)}${hint}` });
    }
  };
  const { avro, json_schema, protobuf } = options;
  const { schema, reader_schema } = avro ?? {};
  if (schema !== undefined) attempt(['avro', 'schema'], () => readSchemaFile(schema, baseDir, false));
  if (reader_schema !== undefined)
    attempt(['avro', 'reader_schema'], () => readSchemaFile(reader_schema, baseDir, true));
  if (avro !== undefined && schema !== undefined && mistakes.length === 0) {
    const { writer, reader } = readSchemas(avro, baseDir);
    attempt(['avro', 'reader_schema'], () => avroCodec(writer!, reader));
  }
  if (protobuf?.schema !== undefined) attempt(['protobuf', 'schema'], () => readProtoSchema(protobuf, baseDir));
  for (const [name, codec] of Object.entries({ avro, json_schema, protobuf })) {
    const connection = codec?.schema_registry;
    // Reads the certificates; nothing is sent before the first document.
    if (connection !== undefined) attempt([name, 'schema_registry', 'tls'], () => new RegistryHttp(connection));
  }
  return mistakes;
};
