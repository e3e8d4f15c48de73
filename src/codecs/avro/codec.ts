import type { RegisteredSchema, SchemaRegistry } from '../../connections/schema_registry/registry.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec } from '../../core/contracts.ts';
import { messageOf, ProcessorError, SluiceError } from '../../core/errors.ts';
import { type IdsIn, unframe } from '../framing.ts';
import { SchemaCache } from '../schema-cache.ts';
import { AvroDecoder } from './decoder.ts';
import { type AvroSchema, parseAvroSchema } from './schema.ts';
import { AvroSchemaError } from './schema-text.ts';

/** Bare Avro, all of one schema. */
export const avroCodec = (writer: AvroSchema, reader?: AvroSchema): Codec => {
  let decoder: AvroDecoder;
  try {
    decoder = new AvroDecoder(writer, reader);
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `reader_schema does not fit schema: ${messageOf(error)}`);
  }
  return { type: 'avro', decode: (value) => decoder.decode(value) };
};

export interface RegisteredAvroParts {
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly reader: AvroSchema | undefined;
  readonly idsIn: IdsIn;
}

/** Avro in Confluent's wire format. */
export const registeredAvroCodec = ({ registry, clock, reader, idsIn }: RegisteredAvroParts): Codec => {
  const decoders = new SchemaCache(registry, clock, (schema) => decoderFor(schema, reader));
  return {
    type: 'avro',
    decode: (value, headers) => {
      const { id, body } = unframe(value, headers, idsIn);
      const decoder = decoders.get(id);
      return decoder instanceof Promise ? decoder.then((ready) => ready.decode(body)) : decoder.decode(body);
    },
    close: () => registry.close(),
  };
};

const decoderFor = ({ id, type, text, references }: RegisteredSchema, reader: AvroSchema | undefined): AvroDecoder => {
  if (type !== 'AVRO') throw new ProcessorError('unusable_schema', `schema ${id} is of type ${type}, not AVRO`);
  try {
    const texts = references.map((reference) => reference.text);
    return new AvroDecoder(parseAvroSchema(text, { references: texts, defaults: false }), reader);
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    throw new ProcessorError('unusable_schema', `schema ${id} cannot be used: ${error.message}`);
  }
};
