import { isUtf8 } from 'node:buffer';
import { JsonSyntaxError, MAX_DEPTH, parseExactJson } from './parse.ts';
import { scanJson } from './scan.ts';
import type { JsonValue } from './values.ts';

export interface JsonReading {
  readonly value: JsonValue;
  /** True when the bytes may stand as they are in one line of a bulk body. */
  readonly oneLine: boolean;
}

/**
 * Reads a JSON text from its bytes: `JSON.parse` where that keeps everything, the exact parser elsewhere.
 * @throws JsonSyntaxError for anything that is not UTF-8 JSON, or nests deeper than 1,000
 */
export const readJson = (bytes: Uint8Array): JsonReading => {
  if (!isUtf8(bytes)) throw new JsonSyntaxError('invalid UTF-8', firstInvalidUtf8(bytes));
  const scan = scanJson(bytes);
  if (scan.depth > MAX_DEPTH) throw new JsonSyntaxError(`nesting deeper than ${MAX_DEPTH}`, 0);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (scan.faithful) {
    try {
      return { value: JSON.parse(text) as JsonValue, oneLine: scan.oneLine };
    } catch {
      // V8's message quotes the text; the exact parser tells the same fault without it.
    }
  }
  return { value: parseExactJson(text), oneLine: scan.oneLine };
};

/** Index of the first byte that does not belong to valid UTF-8: where decoding put a replacement that was not there. */
const firstInvalidUtf8 = (bytes: Uint8Array): number => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let offset = 0;
  for (let from = 0; ; ) {
    const at = text.indexOf('\ufffd', from);
    if (at < 0) return offset;
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = at + 1;
  }
};
