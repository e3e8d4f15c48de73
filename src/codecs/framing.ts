import { z } from 'zod';
import type { SchemaId } from '../connections/schema_registry/registry.ts';
import type { SourceRecord } from '../core/contracts.ts';
import { ProcessorError } from '../core/errors.ts';

/** Where Confluent's serializers put the id of the schema since their version 8.1. */
export const SCHEMA_ID_HEADER = '__value_schema_id';

export const idsIn = z
  .enum(['payload', 'header'])
  .optional()
  .describe(
    `Where the id of the schema is: before the payload, or in the record's header ${SCHEMA_ID_HEADER}. Default: in the header where a record has it, before the payload elsewhere.`,
  );
export type IdsIn = z.output<typeof idsIn>;

export interface Framed {
  readonly id: SchemaId;
  readonly body: Uint8Array;
  /** What follows the id in the header, where it stands there: Protobuf says there which message it is. */
  readonly tail?: Uint8Array;
}

const ID_BYTES = 5;
const GUID_BYTES = 17;

/** Takes Confluent's framing off. @throws ProcessorError parse_exception where there is none */
export const unframe = (value: Uint8Array, headers: SourceRecord['headers'], where: IdsIn): Framed => {
  if (where !== 'payload') {
    const header = Object.hasOwn(headers, SCHEMA_ID_HEADER) ? headers[SCHEMA_ID_HEADER] : undefined;
    if (header !== undefined) {
      const content = typeof header === 'string' ? Buffer.from(header) : header;
      const { id, bytes } = readId(content, `the header [${SCHEMA_ID_HEADER}]`);
      return { id, body: value, tail: content.subarray(bytes) };
    }
    if (where === 'header') throw fault(`the record has no header [${SCHEMA_ID_HEADER}]`);
  }
  const { id, bytes } = readId(value, 'the value');
  return { id, body: value.subarray(bytes) };
};

/** Magic byte 0 and a 4-byte id, or magic byte 1 and a GUID. */
const readId = (bytes: Uint8Array, what: string): { readonly id: SchemaId; readonly bytes: number } => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (view[0]) {
    case undefined:
      throw fault(`${what} is empty`);
    case 0:
      if (view.length < ID_BYTES) throw fault(`${what} ends within the id of its schema`);
      return { id: view.readInt32BE(1), bytes: ID_BYTES };
    case 1: {
      if (view.length < GUID_BYTES) throw fault(`${what} ends within the guid of its schema`);
      const hex = view.toString('hex', 1, GUID_BYTES);
      const guid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
      return { id: guid, bytes: GUID_BYTES };
    }
    default:
      throw fault(
        `${what} does not begin with the magic byte of a schema registry's wire format, but with 0x${view.toString('hex', 0, 1)}`,
      );
  }
};

const fault = (message: string) => new ProcessorError('parse_exception', message);
