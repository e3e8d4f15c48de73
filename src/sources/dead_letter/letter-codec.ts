import { z } from 'zod';
import type { Codec } from '../../core/contracts.ts';
import type { JsonValue } from '../../core/json/values.ts';
import { avroFileCodec, readFileSchema } from '../dump/avro-file-codec.ts';
import { csvCodec } from '../dump/csv-codec.ts';
import { fileJsonCodec, noDocument } from '../dump/file-codec.ts';

const descriptions = z.union([
  z.strictObject({ csv: z.strictObject({ columns: z.array(z.string()), delimiter: z.string(), quote: z.string() }) }),
  z.strictObject({ avro: z.strictObject({ schema: z.string() }) }),
  z.strictObject({ json: z.strictObject({}) }),
  z.strictObject({ none: z.strictObject({ reason: z.string() }) }),
]);

/** Letters of one file share one description. */
const MOST_KNOWN = 32;

/** Builds the codecs that dead letters describe, each once. */
export class LetterCodecs {
  readonly #known = new Map<string, Codec>();

  /** @throws Error where it is none that a dump gives its records */
  of(description: JsonValue): Codec {
    const key = JSON.stringify(description);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const codec = codecOf(descriptions.parse(description));
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, codec);
    return codec;
  }
}

const codecOf = (description: z.output<typeof descriptions>): Codec => {
  if ('csv' in description) return csvCodec(description.csv.columns, description.csv);
  if ('avro' in description) return avroFileCodec(readFileSchema(description.avro.schema), description.avro.schema);
  return 'json' in description ? fileJsonCodec : noDocument(description.none.reason);
};
