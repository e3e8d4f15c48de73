import { create, type DescFile } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import protobuf from 'protobufjs';
import { ProtoSchemaError } from './schema-error.ts';

/** A .proto file that was parsed; what it names in others is not known yet. */
export interface ProtoFile {
  readonly name: string;
  readonly package: string;
  readonly imports: readonly string[];
  readonly syntax: 'proto2' | 'proto3';
  readonly messages: readonly protobuf.Type[];
  readonly enums: readonly protobuf.Enum[];
}

/** Only the parser of protobufjs is used: its readers are made with `new Function`. @throws ProtoSchemaError */
export const parseProto = (name: string, text: string): ProtoFile => {
  const syntax = /^\s*(?:(?:\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)\s*)*(syntax|edition)\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(
    text,
  );
  const said = syntax?.[2] ?? syntax?.[3] ?? 'proto2';
  if (said !== 'proto2' && said !== 'proto3')
    throw new ProtoSchemaError(`${name} is of ${syntax![1]} ${said}: only a descriptor set of it can be read`);
  const root = new protobuf.Root();
  try {
    const parsed = protobuf.parse(text, root, { keepCase: true });
    const scope = (parsed.package === undefined ? root : root.lookup(parsed.package)) as protobuf.Namespace;
    const { messages, enums } = typesIn(scope);
    const imports = [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])];
    return { name, package: parsed.package ?? '', imports, syntax: said, messages, enums };
  } catch (error) {
    throw new ProtoSchemaError(`${name} is no .proto file: ${(error as Error).message}`);
  }
};

const typesIn = (scope: protobuf.Namespace) => ({
  messages: scope.nestedArray.filter((nested): nested is protobuf.Type => nested instanceof protobuf.Type),
  enums: scope.nestedArray.filter((nested): nested is protobuf.Enum => nested instanceof protobuf.Enum),
});

/** Full names of types, `.` first, and whether they are messages. */
export type KnownTypes = Map<string, 'message' | 'enum'>;

export const addTypes = (known: KnownTypes, file: ProtoFile): void => {
  const walk = (scope: string, { messages, enums }: Pick<ProtoFile, 'messages' | 'enums'>): void => {
    for (const { name } of enums) known.set(`${scope}.${name}`, 'enum');
    for (const message of messages) {
      known.set(`${scope}.${message.name}`, 'message');
      walk(`${scope}.${message.name}`, typesIn(message));
    }
  };
  walk(file.package === '' ? '' : `.${file.package}`, file);
};

export const addDescribed = (known: KnownTypes, { messages, enums }: Pick<DescFile, 'messages' | 'enums'>): void => {
  for (const { typeName } of enums) known.set(`.${typeName}`, 'enum');
  for (const message of messages) {
    known.set(`.${message.typeName}`, 'message');
    addDescribed(known, { messages: message.nestedMessages, enums: message.nestedEnums });
  }
};

/** @throws ProtoSchemaError where a field's type is not known */
export const describe = (file: ProtoFile, known: KnownTypes, dependency: string[]): FileDescriptorProto => {
  const scope = file.package === '' ? '' : `.${file.package}`;
  return create(FileDescriptorProtoSchema, {
    name: file.name,
    package: file.package,
    dependency,
    syntax: file.syntax,
    messageType: file.messages.map((message) => describeMessage(message, scope, known)),
    enumType: file.enums.map(describeEnum),
  });
};

const describeEnum = (type: protobuf.Enum): EnumDescriptorProto =>
  create(EnumDescriptorProtoSchema, {
    name: type.name,
    value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
    options: { allowAlias: true },
  });

const describeMessage = (message: protobuf.Type, outer: string, known: KnownTypes): DescriptorProto => {
  const scope = `${outer}.${message.name}`;
  const { messages, enums } = typesIn(message);
  const entries: DescriptorProto[] = [];
  const oneofs = [...message.oneofsArray].sort((a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)));
  const field = message.fieldsArray.map((one) => {
    const described = describeField(one, scope, known, entries);
    const oneofIndex = one.partOf === null ? -1 : oneofs.indexOf(one.partOf);
    if (oneofIndex >= 0) described.oneofIndex = oneofIndex;
    return described;
  });
  return create(DescriptorProtoSchema, {
    name: message.name,
    field,
    nestedType: [...messages.map((nested) => describeMessage(nested, scope, known)), ...entries],
    enumType: enums.map(describeEnum),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  });
};

const isOptional = (field: protobuf.Field): boolean => field.options?.proto3_optional === true;
const isSynthetic = ({ fieldsArray }: protobuf.OneOf): boolean =>
  fieldsArray.length === 1 && isOptional(fieldsArray[0]!);

const describeField = (
  field: protobuf.Field,
  scope: string,
  known: KnownTypes,
  entries: DescriptorProto[],
): FieldDescriptorProto => {
  const { name, id: number, options } = field;
  const jsonName = typeof options?.json_name === 'string' ? options.json_name : jsonNameOf(name);
  if (field instanceof protobuf.MapField) {
    const entry = `${name.charAt(0).toUpperCase()}${camel(name.slice(1))}Entry`;
    const at = `${scope}.${entry}`;
    entries.push(
      create(DescriptorProtoSchema, {
        name: entry,
        field: [
          { name: 'key', number: 1, label: Label.OPTIONAL, jsonName: 'key', ...typeOf(field.keyType, scope, known) },
          { name: 'value', number: 2, label: Label.OPTIONAL, jsonName: 'value', ...typeOf(field.type, scope, known) },
        ],
        options: { mapEntry: true },
      }),
    );
    const repeated = { label: Label.REPEATED, type: Type.MESSAGE, typeName: at };
    return create(FieldDescriptorProtoSchema, { name, number, jsonName, ...repeated });
  }
  const label = field.repeated ? Label.REPEATED : field.rule === 'required' ? Label.REQUIRED : Label.OPTIONAL;
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    jsonName,
    label,
    ...typeOf(field.type, scope, known),
    ...(isOptional(field) && { proto3Optional: true }),
  });
};

const SCALARS: Readonly<Record<string, Type>> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int64: Type.INT64,
  uint64: Type.UINT64,
  int32: Type.INT32,
  fixed64: Type.FIXED64,
  fixed32: Type.FIXED32,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
  uint32: Type.UINT32,
  sfixed32: Type.SFIXED32,
  sfixed64: Type.SFIXED64,
  sint32: Type.SINT32,
  sint64: Type.SINT64,
};

/** The innermost scope that has a type of that name. */
const typeOf = (name: string, scope: string, known: KnownTypes): { type: Type; typeName?: string } => {
  const scalar = Object.hasOwn(SCALARS, name) ? SCALARS[name] : undefined;
  if (scalar !== undefined) return { type: scalar };
  for (let at = name.startsWith('.') ? '' : scope; ; at = at.slice(0, at.lastIndexOf('.'))) {
    const typeName = name.startsWith('.') ? name : `${at}.${name}`;
    const kind = known.get(typeName);
    if (kind !== undefined) return { type: kind === 'enum' ? Type.ENUM : Type.MESSAGE, typeName };
    if (at === '') throw new ProtoSchemaError(`the type [${name}] of [${scope.slice(1)}] is not there`);
  }
};

const camel = (name: string): string =>
  name.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase()).replace(/_+$/, '');
/** As protoc: letters after underscores are capitals, and the underscores go. */
const jsonNameOf = camel;
