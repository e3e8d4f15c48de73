/** What is used of a library that brings no types. */
declare module 'seek-bzip' {
  export default class Bunzip {
    constructor(
      input: { read(into: Uint8Array, offset: number, length: number): number; readByte(): number },
      output: { writeByte(byte: number): void },
    );
    readonly streamCRC: number;
    readonly reader: { read(bits: number): number };
    /** Unpacks the next block; false at the end of the stream, in front of its checksum. */
    _init_block(): boolean;
    _read_bunzip(): number;
  }
}
