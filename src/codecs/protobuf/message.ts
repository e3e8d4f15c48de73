import type { DescEnum, DescField, DescMessage, Registry } from '@bufbuild/protobuf';
import { entriesOf, getKey, type JsonObject, type JsonValue, objectOf, withKey } from '../../core/json/values.ts';
import { type Scalar, scalarOf } from './scalars.ts';
import { isWrapper, WELL_KNOWN } from './well-known.ts';
import { DELIMITED, dataFault, END_GROUP, MAX_DEPTH, ProtoInput, START_GROUP, tooDeep, VARINT } from './wire.ts';

export interface MessageOptions {
  readonly field_names: 'json' | 'proto';
  /** Also fields that have their default, which Protobuf does not write. */
  readonly defaults: boolean;
  /** Where the types of google.protobuf.Any are looked up. */
  readonly types: Registry;
}

type Read = (bytes: Uint8Array, depth: number) => JsonValue;

/** What was read of a field so far. */
interface Slot {
  single: JsonValue | undefined;
  parts: Buffer[];
  list: JsonValue[];
  map: Map<string, JsonValue>;
}

interface Field {
  readonly name: string;
  readonly index: number;
  /** Other members of its oneof: one that comes later takes their place. */
  readonly rivals: number[];
  readonly take: (slot: Slot, input: ProtoInput, tag: number, depth: number) => boolean;
  readonly emit: (slot: Slot | undefined, depth: number) => JsonValue | undefined;
}

/** Both labels that a proto2 field without a value may have. */
const LEGACY_REQUIRED = 3;
const IMPLICIT = 2;

/** Reads messages into documents. Types are compiled when they are first met, so that they may refer to each other. */
export class MessageReader {
  readonly #options: MessageOptions;
  readonly #compiled = new Map<string, Read>();

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  /** @throws ProcessorError parse_exception */
  read(message: DescMessage, bytes: Uint8Array, depth = 1): JsonValue {
    if (depth > MAX_DEPTH) throw tooDeep();
    let read = this.#compiled.get(message.typeName);
    if (read === undefined) {
      read = this.#compile(message);
      this.#compiled.set(message.typeName, read);
    }
    return read(bytes, depth);
  }

  #compile(message: DescMessage): Read {
    const { typeName } = message;
    if (typeName === 'google.protobuf.Any') {
      const fields = this.#fields(message, 'json', true);
      return (bytes, depth) => this.#any(fields(bytes, depth) as JsonObject, depth);
    }
    const known = WELL_KNOWN.get(typeName);
    if (known === undefined) return this.#fields(message, this.#options.field_names, this.#options.defaults);
    const fields = this.#fields(message, 'json', isWrapper(typeName));
    return (bytes, depth) => known(fields(bytes, depth) as JsonObject);
  }

  #fields(message: DescMessage, names: MessageOptions['field_names'], defaults: boolean): Read {
    const fields = message.fields.map((field, index) => this.#field(field, index, names, defaults));
    const byNumber = new Map(message.fields.map(({ number }, index) => [number, fields[index]!]));
    return (bytes, depth) => {
      const input = new ProtoInput(bytes);
      const slots: (Slot | undefined)[] = new Array(fields.length);
      while (!input.done) {
        const tag = input.tag();
        if ((tag & 7) === END_GROUP) throw dataFault('the value is not Protobuf: a group ends that never began');
        const field = byNumber.get(tag >>> 3);
        if (field === undefined) {
          input.skip(tag, depth);
          continue;
        }
        const slot = slots[field.index] ?? { single: undefined, parts: [], list: [], map: new Map() };
        // Another wire type than the schema's is a field that is not known.
        if (!field.take(slot, input, tag, depth)) {
          input.skip(tag, depth);
          continue;
        }
        slots[field.index] = slot;
        for (const rival of field.rivals) slots[rival] = undefined;
      }
      let document: JsonObject = {};
      for (const { name, index, emit } of fields) {
        const value = emit(slots[index], depth);
        if (value !== undefined) document = withKey(document, name, value);
      }
      return document;
    };
  }

  #field(field: DescField, index: number, names: MessageOptions['field_names'], defaults: boolean): Field {
    const rivals = (field.oneof?.fields ?? []).filter((other) => other !== field);
    const base = {
      name: names === 'json' ? field.jsonName : field.name,
      index,
      rivals: rivals.map((rival) => field.parent.fields.indexOf(rival)),
    };
    const required = (value: JsonValue | undefined) => {
      if (value !== undefined || (field.presence as number) !== LEGACY_REQUIRED) return value;
      throw dataFault(`the required field [${field.parent.typeName}.${field.name}] is missing`);
    };
    switch (field.fieldKind) {
      case 'message':
        return {
          ...base,
          take: (slot, input, tag, depth) => takeMessage(field.number, slot, input, tag, depth),
          // A message that comes in several parts is all of them together.
          emit: (slot, depth) => required(slot && this.read(field.message, joined(slot.parts), depth + 1)),
        };
      case 'map':
        return { ...base, ...this.#map(field, defaults) };
      case 'list':
        return { ...base, ...this.#list(field, defaults) };
      default: {
        const scalar = field.fieldKind === 'enum' ? enumReader(field.enum) : scalarOf(field.scalar, verifies(field));
        const implicit = (field.presence as number) === IMPLICIT;
        const absent = implicit && defaults ? scalar.zero : undefined;
        return {
          ...base,
          take: (slot, input, tag) => {
            if ((tag & 7) !== scalar.wireType) return false;
            const value = scalar.read(input);
            if (value !== undefined) slot.single = value;
            return true;
          },
          emit: (slot) => {
            const value = slot?.single;
            return value === undefined || (implicit && isZero(value, scalar.zero)) ? required(absent) : value;
          },
        };
      }
    }
  }

  #list(field: DescField & { fieldKind: 'list' }, defaults: boolean): Pick<Field, 'take' | 'emit'> {
    const emit: Field['emit'] = (slot) => slot?.list ?? (defaults ? [] : undefined);
    if (field.listKind === 'message')
      return {
        emit: (slot, depth) =>
          slot?.parts.map((part) => this.read(field.message, part, depth + 1)) ?? (defaults ? [] : undefined),
        take: (slot, input, tag, depth) => takeMessage(field.number, slot, input, tag, depth),
      };
    const item = field.listKind === 'enum' ? enumReader(field.enum) : scalarOf(field.scalar, verifies(field));
    const add = (slot: Slot, input: ProtoInput) => {
      const value = item.read(input);
      if (value !== undefined) slot.list.push(value);
    };
    return {
      emit,
      take: (slot, input, tag) => {
        if ((tag & 7) === item.wireType) add(slot, input);
        else if ((tag & 7) === DELIMITED) {
          for (const packed = new ProtoInput(input.bytes()); !packed.done; ) add(slot, packed);
        } else return false;
        return true;
      },
    };
  }

  #map(field: DescField & { fieldKind: 'map' }, defaults: boolean): Pick<Field, 'take' | 'emit'> {
    const key = scalarOf(field.mapKey, verifies(field));
    const value =
      field.mapKind === 'message'
        ? undefined
        : field.mapKind === 'enum'
          ? enumReader(field.enum)
          : scalarOf(field.scalar, verifies(field));
    return {
      emit: (slot) => (slot === undefined ? (defaults ? objectOf([]) : undefined) : objectOf(slot.map)),
      take: (slot, input, tag, depth) => {
        if ((tag & 7) !== DELIMITED) return false;
        let name = key.zero;
        let found: JsonValue | undefined = value?.zero;
        const parts: Buffer[] = [];
        for (const entry = new ProtoInput(input.bytes()); !entry.done; ) {
          const part = entry.tag();
          if (part === (8 | key.wireType)) name = key.read(entry);
          else if (value === undefined && part === (16 | DELIMITED)) parts.push(entry.bytes());
          else if (value !== undefined && part === (16 | value.wireType)) found = value.read(entry);
          else entry.skip(part, depth);
        }
        if (value === undefined) found = this.read(field.message!, joined(parts), depth + 1);
        // A number that a closed enum does not know is as if the entry were not there.
        if (found !== undefined) slot.map.set(String(name), found);
        return true;
      },
    };
  }

  #any(any: JsonObject, depth: number): JsonValue {
    const url = getKey(any, 'typeUrl') as string;
    const value = getKey(any, 'value') as string;
    if (url === '') return objectOf([]);
    const type = this.#options.types.getMessage(url.slice(url.lastIndexOf('/') + 1));
    // No mapping says how to show what nobody knows; its bytes are at least not lost.
    if (type === undefined) return { '@type': url, value };
    const inner = this.read(type, Buffer.from(value, 'base64'), depth + 1);
    if (WELL_KNOWN.has(type.typeName) || type.typeName === 'google.protobuf.Any') return { '@type': url, value: inner };
    let document: JsonObject = { '@type': url };
    for (const [name, field] of entriesOf(inner as JsonObject)) document = withKey(document, name, field);
    return document;
  }
}

const takeMessage = (number: number, slot: Slot, input: ProtoInput, tag: number, depth: number): boolean => {
  if ((tag & 7) === DELIMITED) slot.parts.push(input.bytes());
  else if ((tag & 7) === START_GROUP) slot.parts.push(input.group(number, depth));
  else return false;
  return true;
};

const joined = (parts: readonly Buffer[]): Buffer => (parts.length === 1 ? parts[0]! : Buffer.concat(parts));

const isZero = (value: JsonValue, zero: JsonValue): boolean =>
  value === zero || (typeof value === 'object' && String(value) === String(zero));

const verifies = (field: DescField): boolean => (field as { utf8Validation?: boolean }).utf8Validation !== false;

type EnumReader = Omit<Scalar, 'read'> & { readonly read: (input: ProtoInput) => JsonValue | undefined };

/** By name; by number where an open enum does not know it. */
const enumReader = (type: DescEnum): EnumReader => {
  if (type.typeName === 'google.protobuf.NullValue') {
    return {
      wireType: VARINT,
      zero: null,
      read: (input) => {
        input.uint64();
        return null;
      },
    };
  }
  const names = new Map(type.values.toReversed().map(({ number, name }) => [number, name]));
  const fallback = (number: number) => (type.open ? number : undefined);
  return {
    wireType: VARINT,
    zero: type.values[0]!.name,
    read: (input) => {
      const number = input.uint32() | 0;
      return names.get(number) ?? fallback(number);
    },
  };
};
