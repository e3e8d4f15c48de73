import { AvroDecoder, holdsDocuments } from '../../codecs/avro/decoder.ts';
import { type AvroSchema, parseAvroSchema } from '../../codecs/avro/schema.ts';
import type { Codec } from '../../core/contracts.ts';

/** The schema that an object container file was written with. @throws Error where its values are no documents */
export const readFileSchema = (text: string): AvroSchema => {
  const schema = parseAvroSchema(text, { defaults: false });
  if (!holdsDocuments(schema)) throw new Error(`it describes ${schema.kind}, not a record or map`);
  return schema;
};

/** Reads the data of such a file. @param text the schema as the file has it */
export const avroFileCodec = (schema: AvroSchema, text: string): Codec => {
  const decoder = new AvroDecoder(schema);
  return { type: 'avro', description: { avro: { schema: text } }, decode: (value) => decoder.decode(value) };
};
