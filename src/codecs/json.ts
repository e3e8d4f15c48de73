import { z } from 'zod';
import type { Codec } from '../core/contracts.ts';
import { ProcessorError } from '../core/errors.ts';
import { JsonSyntaxError } from '../core/json/parse.ts';
import { readJson } from '../core/json/read.ts';
import { isObject } from '../core/json/values.ts';

export const jsonOptions = z.strictObject({});

/** JSON documents, kept exactly: digits, key order and odd keys survive. */
export const jsonCodec = (): Codec => ({
  type: 'json',
  decode: (bytes) => {
    try {
      const { value, oneLine } = readJson(bytes);
      if (!isObject(value)) throw new ProcessorError('parse_exception', 'the value is JSON, but not an object');
      return { source: value, raw: oneLine ? bytes : undefined };
    } catch (error) {
      if (error instanceof JsonSyntaxError)
        throw new ProcessorError('parse_exception', `the value is not JSON: ${error.message}`);
      throw error;
    }
  },
});
