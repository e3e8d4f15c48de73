import type { Decoded } from '../../core/contracts.ts';
import { ProcessorError } from '../../core/errors.ts';
import { isObject } from '../../core/json/values.ts';
import { compileRead, type Read } from './compile.ts';
import { AvroInput, dataFault } from './input.ts';
import { compileResolved } from './resolve.ts';
import type { AvroSchema } from './schema.ts';

/** Reads documents of one schema. */
export class AvroDecoder {
  readonly #read: Read;

  /** @throws AvroSchemaError where the reader's schema cannot read the writer's */
  constructor(writer: AvroSchema, reader?: AvroSchema) {
    this.#read = reader === undefined ? compileRead(writer, new Map()) : compileResolved(writer, reader);
  }

  /** @throws ProcessorError parse_exception */
  decode(bytes: Uint8Array): Decoded {
    const input = new AvroInput(bytes);
    const source = this.#read(input);
    if (input.left > 0) throw dataFault(`${input.left} bytes are left after its end`);
    if (!isObject(source)) throw new ProcessorError('parse_exception', 'the value is Avro, but neither record nor map');
    return { source, raw: undefined };
  }
}

/** True where a schema has values that can be documents. */
export const holdsDocuments = (schema: AvroSchema): boolean =>
  schema.kind === 'record' ||
  schema.kind === 'map' ||
  (schema.kind === 'union' && schema.branches.some(holdsDocuments));
