import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { holdsDocuments } from './decoder.ts';
import { type AvroSchema, parseAvroSchema } from './schema.ts';

/**
 * Reads a schema file; its path is looked up from the working directory, then from the pipeline file's.
 * @throws SluiceError SLUICE_CONFIG_UNREADABLE, SLUICE_CONFIG_INVALID
 */
export const readSchemaFile = (path: string, baseDir: string | undefined, defaults: boolean): AvroSchema => {
  const places = isAbsolute(path) || baseDir === undefined ? [resolve(path)] : [resolve(path), resolve(baseDir, path)];
  const place = places.find((candidate) => existsSync(candidate));
  if (place === undefined)
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the schema file [${path}] is not there`, {
      place: path,
      hint: `Looked for ${[...new Set(places)].join(', ')}.`,
    });
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the schema file cannot be read: ${messageOf(error)}`, {
      place: path,
      cause: error,
    });
  }
  let schema: AvroSchema;
  try {
    schema = parseAvroSchema(text, { defaults });
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `the schema file is not an Avro schema: ${messageOf(error)}`, {
      place: path,
      cause: error,
    });
  }
  if (holdsDocuments(schema)) return schema;
  throw new SluiceError('SLUICE_CONFIG_INVALID', `the schema file describes ${schema.kind}, not a record or map`, {
    place: path,
  });
};
