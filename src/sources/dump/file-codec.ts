import { jsonCodec } from '../../codecs/json.ts';
import type { Codec } from '../../core/contracts.ts';
import { ProcessorError } from '../../core/errors.ts';

/** For JSON out of a file of a format that needs no `codec`. */
export const fileJsonCodec: Codec = { ...jsonCodec(), description: { json: {} } };

/** For what stands where a document should, and is none. */
export const noDocument = (reason: string): Codec => ({
  type: 'json',
  description: { none: { reason } },
  decode: () => {
    throw new ProcessorError('parse_exception', reason);
  },
});
