import { isUtf8 } from 'node:buffer';
import { ProcessorError } from '../../core/errors.ts';

export const dataFault = (message: string) => new ProcessorError('parse_exception', message);

export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const FIXED32 = 5;

/** As other implementations of Protobuf. */
export const MAX_DEPTH = 100;

/** Protobuf's wire format; every length is checked against the bytes that are there. */
export class ProtoInput {
  readonly #bytes: Buffer;
  readonly end: number;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Field number times eight, plus wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw dataFault('the value is not Protobuf: a field has the number 0');
    return tag;
  }

  /** The low 32 bits of a varint, unsigned. */
  uint32(): number {
    const first = this.#bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at += 1;
      return first;
    }
    return Number(BigInt.asUintN(32, this.uint64()));
  }

  uint64(): bigint {
    // 28 bits each: a number's bit operations know 32 only.
    const parts = [0, 0, 0];
    for (let index = 0; index < 10; index += 1) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) throw dataFault('the value ends within a number');
      this.at += 1;
      parts[index >> 2]! |= (byte & 0x7f) << ((index & 3) * 7);
      if (byte >= 0x80) continue;
      // As far as a double is exact.
      if (index < 7) return BigInt(parts[1]! * 2 ** 28 + parts[0]!);
      return BigInt.asUintN(64, (BigInt(parts[2]!) << 56n) | (BigInt(parts[1]!) << 28n) | BigInt(parts[0]!));
    }
    throw dataFault('the value is not Protobuf: a number of more than ten bytes');
  }

  fixed32(): number {
    return this.#view(4).readUInt32LE();
  }

  fixed64(): bigint {
    return this.#view(8).readBigUInt64LE();
  }

  float(): number {
    return this.#view(4).readFloatLE();
  }

  double(): number {
    return this.#view(8).readDoubleLE();
  }

  /** Not copied. */
  bytes(): Buffer {
    return this.#view(this.uint32());
  }

  string(verify: boolean): string {
    const bytes = this.bytes();
    if (verify && !isUtf8(bytes)) throw dataFault('a string is not UTF-8');
    return bytes.toString('utf8');
  }

  /** A field that nobody asks for. */
  skip(tag: number, depth: number): void {
    switch (tag & 7) {
      case VARINT:
        this.uint64();
        return;
      case FIXED64:
        this.#view(8);
        return;
      case DELIMITED:
        this.bytes();
        return;
      case FIXED32:
        this.#view(4);
        return;
      case START_GROUP:
        this.group(tag >>> 3, depth);
        return;
      default:
        throw dataFault(`the value is not Protobuf: wire type ${tag & 7} where a field begins`);
    }
  }

  /** What stands between a group's tags. */
  group(number: number, depth: number): Buffer {
    if (depth > MAX_DEPTH) throw tooDeep();
    const start = this.at;
    while (!this.done) {
      const at = this.at;
      const tag = this.tag();
      if ((tag & 7) !== END_GROUP) this.skip(tag, depth + 1);
      else if (tag >>> 3 === number) return this.#bytes.subarray(start, at);
      else throw dataFault('the value is not Protobuf: a group ends that never began');
    }
    throw dataFault('the value ends within a group');
  }

  #view(length: number): Buffer {
    if (length > this.end - this.at) throw dataFault('the value ends within a field');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

export const tooDeep = () => dataFault(`the value is nested deeper than ${MAX_DEPTH}`);
