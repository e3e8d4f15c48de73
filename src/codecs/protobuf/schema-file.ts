import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ProtobufOptions } from './options.ts';
import { parseProto } from './proto-text.ts';
import { findMessage, type ProtoSchema, schemaFromDescriptors, schemaFromTexts } from './schema.ts';

/**
 * Reads the schema that the options name and looks for their message in it.
 * @throws SluiceError SLUICE_CONFIG_UNREADABLE, SLUICE_CONFIG_INVALID
 */
export const readProtoSchema = (options: ProtobufOptions, baseDir: string | undefined): ProtoSchema => {
  const path = options.schema!;
  const places = placesOf(path, baseDir);
  const place = places.find((candidate) => existsSync(candidate));
  if (place === undefined)
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the schema file [${path}] is not there`, {
      place: path,
      hint: `Looked for ${[...new Set(places)].join(', ')}.`,
    });
  try {
    const folders = options.import_paths?.flatMap((folder) => placesOf(folder, baseDir)) ?? [dirname(place)];
    const schema = place.endsWith('.proto') ? fromText(place, folders) : schemaFromDescriptors(readFileSync(place));
    findMessage(schema, options.message);
    return schema;
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `the schema file is not usable: ${messageOf(error)}`, {
      place: path,
      cause: error,
    });
  }
};

const placesOf = (path: string, baseDir: string | undefined): string[] =>
  isAbsolute(path) || baseDir === undefined ? [resolve(path)] : [resolve(path), resolve(baseDir, path)];

/** The file and all it imports, each after its own imports. */
const fromText = (place: string, folders: readonly string[]): ProtoSchema => {
  const files = new Map<string, { readonly name: string; readonly text: string }>();
  const seen = new Set<string>();
  const add = (name: string, path: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = readFileSync(path, 'utf8');
    for (const wanted of parseProto(name, text).imports) {
      const found = folders.map((folder) => join(folder, wanted)).find((candidate) => existsSync(candidate));
      if (found !== undefined) add(wanted, found);
    }
    files.set(name, { name, text });
  };
  add(basename(place), place);
  return schemaFromTexts([...files.values()]);
};
