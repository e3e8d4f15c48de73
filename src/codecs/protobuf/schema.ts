import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  fromBinary,
} from '@bufbuild/protobuf';
import * as wkt from '@bufbuild/protobuf/wkt';
import { messageOf } from '../../core/errors.ts';
import { addDescribed, addTypes, describe, type KnownTypes, type ProtoFile, parseProto } from './proto-text.ts';
import { ProtoSchemaError } from './schema-error.ts';

/** Types, and the file whose messages the wire format counts. */
export interface ProtoSchema {
  readonly types: FileRegistry;
  readonly file: DescFile;
}

/** Google's own files, which every compiler brings. */
const BUNDLED: ReadonlyMap<string, DescFile> = new Map(
  Object.entries(wkt)
    .filter(([name]) => name.startsWith('file_google_protobuf_'))
    .map(([, file]) => [`${(file as DescFile).name}.proto`, file as DescFile]),
);

/** @throws ProtoSchemaError */
export const schemaFromDescriptors = (bytes: Uint8Array): ProtoSchema => {
  try {
    const set = fromBinary(wkt.FileDescriptorSetSchema, bytes);
    const last = set.file.at(-1);
    if (last === undefined) throw new Error('it describes no file');
    // protoc leaves imports out unless it is told --include_imports.
    const there = new Set(set.file.map(({ name }) => name));
    const bundled = [...BUNDLED].filter(([name]) => !there.has(name)).map(([, { proto }]) => proto);
    return registryOf([...inOrder(bundled), ...set.file], last.name);
  } catch (error) {
    throw new ProtoSchemaError(`it is no FileDescriptorSet that can be used: ${messageOf(error)}`);
  }
};

/** @param files the last one is the schema itself, each after those that it imports. @throws ProtoSchemaError */
export const schemaFromTexts = (files: readonly { readonly name: string; readonly text: string }[]): ProtoSchema => {
  const parsed: ProtoFile[] = files.map(({ name, text }) => parseProto(name, text));
  const known: KnownTypes = new Map();
  const there = new Set(parsed.map(({ name }) => name));
  const bundled = [...BUNDLED].filter(([name]) => !there.has(name));
  for (const [name, file] of bundled) {
    addDescribed(known, file);
    there.add(name);
  }
  for (const file of parsed) addTypes(known, file);
  // Imports of options alone (confluent/meta.proto) need not be there.
  const described = parsed.map((file) =>
    describe(
      file,
      known,
      file.imports.filter((name) => there.has(name)),
    ),
  );
  try {
    return registryOf([...inOrder(bundled.map(([, { proto }]) => proto)), ...described], parsed.at(-1)!.name);
  } catch (error) {
    throw new ProtoSchemaError(messageOf(error));
  }
};

/** Each after those that it imports. */
const inOrder = (files: readonly wkt.FileDescriptorProto[]): wkt.FileDescriptorProto[] => {
  const byName = new Map(files.map((file) => [file.name, file]));
  const ordered = new Set<wkt.FileDescriptorProto>();
  const add = (file: wkt.FileDescriptorProto): void => {
    for (const name of file.dependency) if (byName.has(name)) add(byName.get(name)!);
    ordered.add(file);
  };
  for (const file of files) add(file);
  return [...ordered];
};

const registryOf = (file: wkt.FileDescriptorProto[], name: string): ProtoSchema => {
  const types = createFileRegistry(create(wkt.FileDescriptorSetSchema, { file }));
  const found = [...types.files].find(({ proto }) => proto.name === name);
  if (found === undefined) throw new ProtoSchemaError(`${name} is not there`);
  return { types, file: found };
};

/** By its full name, or by its last part where only one message ends with it. @throws ProtoSchemaError */
export const findMessage = ({ types, file }: ProtoSchema, name: string | undefined): DescMessage => {
  if (name === undefined) {
    const [only, ...more] = file.messages;
    if (only !== undefined && more.length === 0) return only;
    throw new ProtoSchemaError(
      `message must say which of [${file.messages.map(({ typeName }) => typeName).join(', ')}]`,
    );
  }
  const found = types.getMessage(name);
  if (found !== undefined) return found;
  const all = [...types.files].filter(({ proto }) => !BUNDLED.has(proto.name)).flatMap((one) => one.messages);
  throw new ProtoSchemaError(`there is no message [${name}], but [${all.map(({ typeName }) => typeName).join(', ')}]`);
};
