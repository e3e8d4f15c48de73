import { z } from 'zod';
import type { Codec } from '../core/contracts.ts';
import { jsonCodec, jsonOptions } from './json.ts';

const NAMES = ['json'] as const;

/** `codec: json`, or with options: `codec: { avro: { … } }`. */
export const codecOptions = z.union([z.enum(NAMES), z.strictObject({ json: jsonOptions })]).default('json');
export type CodecOptions = z.output<typeof codecOptions>;

export const createCodec = (_options: CodecOptions): Codec => jsonCodec();
