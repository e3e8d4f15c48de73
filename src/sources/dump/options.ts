import { z } from 'zod';
import { codecOptions } from '../../codecs/table.ts';
import { bytes } from '../../config/units.ts';

export const FORMATS = ['auto', 'ndjson', 'json', 'bulk', 'elasticdump', 'csv', 'tsv', 'avro', 'parquet'] as const;
export type DumpFormat = (typeof FORMATS)[number];

const character = (text: string) => /^[\t\x20-\x7e]$/.test(text);

export const csvOptions = z.strictObject({
  delimiter: z
    .string()
    .refine(character, 'one character of ASCII')
    .optional()
    .describe('Between two cells. Default: a comma, of .tsv files a tab.'),
  quote: z
    .string()
    .refine(character, 'one character of ASCII')
    .default('"')
    .describe('Around a cell; twice inside of one.'),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'two columns have one name')
    .optional()
    .describe('Names of the columns, where the first row is not a header.'),
});
export type CsvOptions = z.output<typeof csvOptions>;

export const dumpSourceOptions = z.strictObject({
  paths: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe(
      'Files or globs, read one after the other in the order of their names; `-` is standard input. Plain, .gz, .zst and .bz2. `http://` and `https://` too, and `s3://BUCKET/KEY`, where a `*` at the end stands for all keys that begin so; region, credentials and `AWS_ENDPOINT_URL_S3` of other stores come from the environment.',
    ),
  format: z
    .enum(FORMATS)
    .default('auto')
    .describe(
      'auto looks at the first bytes, and at the name for csv and tsv. json: an array, or objects one after another. bulk: action lines and documents. elasticdump: hits with `_source`. The `_id` of bulk and elasticdump is kept, and `_file._id`, `_file._index`, `_file._routing`, `_file._version`, `_file._op_type` are there for templates.',
    ),
  csv: csvOptions.prefault({}),
  tombstones: z
    .enum(['delete', 'ignore', 'dead_letter'])
    .default('delete')
    .describe('What to do with the delete actions of a bulk body.'),
  codec: codecOptions.describe('How the documents of ndjson are encoded; the other formats need none.'),
  checkpoint: z
    .string()
    .optional()
    .describe(
      'File that keeps how far reading came, for `--resume`. `sluice replay` sets one by itself. What lies before it is not read again, and of a web server or object store not sent again (Range, of the same version only), in plain files of ndjson, bulk, elasticdump, csv and tsv. It is read and passed over in packed files, in json and avro, from servers without ranges, ETag or Last-Modified, and where the sink writes default ids, as these count equal records from the first one on. While a dump of more than 13 million records without ids is read, 8 to 16 bytes a record lie in the same folder; a packed Parquet file is unpacked there.',
    ),
  max_document_bytes: bytes()
    .default(100 * 1024 * 1024)
    .describe(
      'A longer line, element or row is cut here, and so ends in the dead letter. No block of an Avro file or page of a Parquet file may be larger.',
    ),
});
export type DumpSourceOptions = z.output<typeof dumpSourceOptions>;
