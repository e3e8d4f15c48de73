import { z } from 'zod';
import { codecOptions } from '../../codecs/table.ts';
import { bytes } from '../../config/units.ts';

export const dumpSourceOptions = z.strictObject({
  paths: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe(
      'Files or globs, read one after the other in the order of their names; `-` is standard input. NDJSON or Avro object container files, plain, .gz and .zst.',
    ),
  codec: codecOptions.describe('How the documents of NDJSON files are encoded; Avro files bring their schema.'),
  checkpoint: z
    .string()
    .optional()
    .describe(
      'File that keeps how far reading came, for `--resume`. `sluice replay` sets one by itself. While a dump of more than 13 million records without ids is read, 8 to 16 bytes a record lie in the same folder.',
    ),
  max_document_bytes: bytes()
    .default(100 * 1024 * 1024)
    .describe('A longer line is cut here, and so ends in the dead letter. No block of an Avro file may be larger.'),
});
export type DumpSourceOptions = z.output<typeof dumpSourceOptions>;
