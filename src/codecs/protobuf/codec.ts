import type { DescMessage } from '@bufbuild/protobuf';
import type { RegisteredSchema, SchemaRegistry } from '../../connections/schema_registry/registry.ts';
import type { Clock } from '../../core/clock.ts';
import type { Codec, Decoded } from '../../core/contracts.ts';
import { ProcessorError } from '../../core/errors.ts';
import { isObject } from '../../core/json/values.ts';
import { unframe } from '../framing.ts';
import { SchemaCache } from '../schema-cache.ts';
import { MessageReader } from './message.ts';
import type { ProtobufOptions } from './options.ts';
import { findMessage, type ProtoSchema, schemaFromTexts } from './schema.ts';
import { ProtoSchemaError } from './schema-error.ts';
import { dataFault, ProtoInput } from './wire.ts';

const readerFor = ({ types }: ProtoSchema, { field_names, defaults }: ProtobufOptions) =>
  new MessageReader({ field_names, defaults, types });

const decode = (reader: MessageReader, message: DescMessage, bytes: Uint8Array): Decoded => {
  const source = reader.read(message, bytes);
  if (!isObject(source)) throw dataFault(`a ${message.typeName} is no object`);
  return { source, raw: undefined };
};

/** Bare Protobuf, all of one message. @throws ProtoSchemaError */
export const protobufCodec = (schema: ProtoSchema, options: ProtobufOptions): Codec => {
  const message = findMessage(schema, options.message);
  const reader = readerFor(schema, options);
  return { type: 'protobuf', decode: (value) => decode(reader, message, value) };
};

interface Registered {
  readonly schema: ProtoSchema;
  readonly reader: MessageReader;
  /** What the options name, where they do. */
  readonly message: DescMessage | undefined;
}

/** Protobuf in Confluent's wire format: after the id stands which of the schema's messages it is. */
export const registeredProtobufCodec = (registry: SchemaRegistry, clock: Clock, options: ProtobufOptions): Codec => {
  const schemas = new SchemaCache(registry, clock, (schema) => prepare(schema, options));
  return {
    type: 'protobuf',
    decode: (value, headers) => {
      const { id, body, tail } = unframe(value, headers, options.ids_in);
      const finish = ({ schema, reader, message }: Registered): Decoded => {
        // In a header they stand behind the id, before the payload otherwise.
        const input = new ProtoInput(tail ?? body);
        const indexes = tail?.length === 0 ? [0] : messageIndexes(input);
        const named = messageAt(schema, indexes);
        if (message !== undefined && message !== named)
          throw dataFault(`the value is a ${named.typeName}, not a ${message.typeName}`);
        return decode(reader, named, tail === undefined ? body.subarray(input.at) : body);
      };
      const ready = schemas.get(id);
      return ready instanceof Promise ? ready.then(finish) : finish(ready);
    },
    close: () => registry.close(),
  };
};

const prepare = ({ id, type, text, references }: RegisteredSchema, options: ProtobufOptions): Registered => {
  if (type !== 'PROTOBUF') throw new ProcessorError('unusable_schema', `schema ${id} is of type ${type}, not PROTOBUF`);
  try {
    const schema = schemaFromTexts([...references, { name: `schema-${id}.proto`, text }]);
    const message = options.message === undefined ? undefined : findMessage(schema, options.message);
    return { schema, reader: readerFor(schema, options), message };
  } catch (error) {
    if (!(error instanceof ProtoSchemaError)) throw error;
    throw new ProcessorError('unusable_schema', `schema ${id} cannot be used: ${error.message}`);
  }
};

/** How many, and each one's place among its siblings; a single 0 for the first message of the file. */
const messageIndexes = (input: ProtoInput): number[] => {
  const next = (): number => {
    const value = input.uint32();
    return (value >>> 1) ^ -(value & 1);
  };
  const count = next();
  if (count === 0) return [0];
  if (count < 0 || count > input.end - input.at) throw dataFault(`the value has ${count} message indexes`);
  return Array.from({ length: count }, next);
};

const messageAt = ({ file }: ProtoSchema, indexes: readonly number[]): DescMessage => {
  let siblings = file.messages;
  let found: DescMessage | undefined;
  for (const index of indexes) {
    found = siblings[index];
    if (found === undefined) throw dataFault(`the schema has no message [${indexes.join(', ')}]`);
    siblings = found.nestedMessages;
  }
  return found!;
};
