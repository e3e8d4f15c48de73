import { ScalarType } from '@bufbuild/protobuf';
import { type JsonValue, toDouble } from '../../core/json/values.ts';
import { floatValue } from '../avro/numbers.ts';
import { DELIMITED, FIXED32, FIXED64, type ProtoInput, VARINT } from './wire.ts';

export interface Scalar {
  readonly wireType: number;
  readonly read: (input: ProtoInput) => JsonValue;
  /** What a field has that is not there. */
  readonly zero: JsonValue;
}

/** Exact: a number where a double holds it. */
const integer = (value: bigint): JsonValue =>
  value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
const signed = (value: bigint) => integer(BigInt.asIntN(64, value));
/** What JSON has no number for is a string in Protobuf's JSON mapping. */
const floating = (value: number, finite: (value: number) => JsonValue): JsonValue =>
  Number.isFinite(value) ? finite(value) : String(value);

const of = (wireType: number, read: Scalar['read'], zero: JsonValue = 0): Scalar => ({ wireType, read, zero });

const SCALARS: Readonly<Record<ScalarType, Scalar>> = {
  [ScalarType.INT32]: of(VARINT, (input) => input.uint32() | 0),
  [ScalarType.UINT32]: of(VARINT, (input) => input.uint32()),
  [ScalarType.SINT32]: of(VARINT, (input) => {
    const value = input.uint32();
    return (value >>> 1) ^ -(value & 1);
  }),
  [ScalarType.FIXED32]: of(FIXED32, (input) => input.fixed32()),
  [ScalarType.SFIXED32]: of(FIXED32, (input) => input.fixed32() | 0),
  [ScalarType.INT64]: of(VARINT, (input) => signed(input.uint64())),
  [ScalarType.UINT64]: of(VARINT, (input) => integer(input.uint64())),
  [ScalarType.SINT64]: of(VARINT, (input) => {
    const value = input.uint64();
    return integer((value >> 1n) ^ -(value & 1n));
  }),
  [ScalarType.FIXED64]: of(FIXED64, (input) => integer(input.fixed64())),
  [ScalarType.SFIXED64]: of(FIXED64, (input) => signed(input.fixed64())),
  [ScalarType.FLOAT]: of(FIXED32, (input) => floating(input.float(), floatValue), toDouble(0)),
  [ScalarType.DOUBLE]: of(FIXED64, (input) => floating(input.double(), toDouble), toDouble(0)),
  [ScalarType.BOOL]: of(VARINT, (input) => input.uint64() !== 0n, false),
  [ScalarType.STRING]: of(DELIMITED, (input) => input.string(true), ''),
  [ScalarType.BYTES]: of(DELIMITED, (input) => input.bytes().toString('base64'), ''),
};
/** Proto2 never promised UTF-8. */
const LENIENT_STRING = of(DELIMITED, (input) => input.string(false), '');

export const scalarOf = (type: ScalarType, verifyUtf8: boolean): Scalar =>
  type === ScalarType.STRING && !verifyUtf8 ? LENIENT_STRING : SCALARS[type];
