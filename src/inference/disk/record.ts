import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What a segment begins with; the number rises with every change of the format. */
export const HEADER = Buffer.from('sluice results 1\n');
/** Length and checksum of what follows, and the key. */
export const RECORD_HEADER = 40;
const KEY_AT = 8;

/** Results of one key never change, so a key says everything: no record is ever written over. */
export const recordKey = (name: string): Buffer => hash('sha256', name, 'buffer');

export const encodeRecord = (key: Buffer, payload: Uint8Array): Buffer => {
  const record = Buffer.allocUnsafe(RECORD_HEADER + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.set(key, KEY_AT);
  record.set(payload, RECORD_HEADER);
  record.writeUInt32LE(crc32(record.subarray(KEY_AT)), 4);
  return record;
};

/** The payload; null where another key with the same beginning stands there. @throws Error where it is damaged */
export const decodeRecord = (record: Buffer, key: Buffer): Buffer | null => {
  const whole = record.length >= RECORD_HEADER && record.readUInt32LE(0) === record.length - RECORD_HEADER;
  if (!whole || crc32(record.subarray(KEY_AT)) !== record.readUInt32LE(4)) throw new Error('a checksum does not fit');
  return record.subarray(KEY_AT, RECORD_HEADER).equals(key) ? record.subarray(RECORD_HEADER) : null;
};

/** Calls back for each record header in `chunk`; answers where the next header begins, which may be beyond the chunk. */
export const scanRecords = (
  chunk: Buffer,
  position: number,
  fileSize: number,
  found: (key: Buffer, offset: number, length: number) => void,
): number => {
  let at = 0;
  while (at + RECORD_HEADER <= chunk.length) {
    const length = RECORD_HEADER + chunk.readUInt32LE(at);
    // The rest was not written yet, or never will be.
    if (position + at + length > fileSize) break;
    found(chunk.subarray(at + KEY_AT, at + RECORD_HEADER), position + at, length);
    at += length;
  }
  return position + at;
};
