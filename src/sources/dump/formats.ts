import { basename } from 'node:path';
import { AVRO_MAGIC, AvroBlocks } from './avro-blocks.ts';
import { CsvRows } from './csv-rows.ts';
import { BulkBody, HitLines, isAction, isHit } from './envelopes.ts';
import { JsonValues } from './json-values.ts';
import type { CsvOptions, DumpFormat } from './options.ts';
import { PARQUET_MAGIC, SpooledParquet } from './parquet-rows.ts';
import type { RecordReader } from './records.ts';
import { TextLines } from './text-lines.ts';

export interface FormatOptions {
  readonly format: DumpFormat;
  readonly csv: CsvOptions;
  /** Tells csv from tsv, and both from lines of JSON. */
  readonly path: string;
  readonly maxBytes: number;
  readonly from: bigint;
  readonly all: boolean;
  /** For what has to lie on disk. */
  readonly folder: string;
}

type Known = Exclude<DumpFormat, 'auto'>;

const READERS: Readonly<Record<Known, (options: FormatOptions) => RecordReader>> = {
  ndjson: ({ maxBytes }) => new TextLines(maxBytes),
  json: ({ maxBytes }) => new JsonValues(maxBytes),
  bulk: ({ maxBytes }) => new BulkBody(new TextLines(maxBytes)),
  elasticdump: ({ maxBytes }) => new HitLines(new TextLines(maxBytes)),
  csv: ({ csv, maxBytes }) => new CsvRows({ ...csv, delimiter: csv.delimiter ?? ',' }, maxBytes),
  tsv: ({ csv, maxBytes }) => new CsvRows({ ...csv, delimiter: csv.delimiter ?? '\t' }, maxBytes),
  avro: (options) => new AvroBlocks(options),
  parquet: (options) => new SpooledParquet(options, options.folder),
};

/** Enough to tell a format by, unless a first line is longer. */
export const HEAD_BYTES_WANTED = 1024 * 1024;

export const readerFor = (head: Buffer, options: FormatOptions): RecordReader =>
  READERS[options.format === 'auto' ? formatOf(head, options.path) : options.format](options);

/**
 * A reader that begins where a record ends, with what the first bytes of the file say of all. Undefined for a format
 * whose records cannot be told without those before them, or whose positions are none of bytes.
 */
export const readerAt = (head: Buffer, at: number, options: FormatOptions): RecordReader | undefined => {
  const { format, path, csv, maxBytes } = options;
  if (format === 'auto' && !hasFirstLine(head)) return undefined;
  const known = format === 'auto' ? formatOf(head, path) : format;
  if (known === 'ndjson') return new TextLines(maxBytes, at);
  if (known === 'bulk') return new BulkBody(new TextLines(maxBytes, at));
  if (known === 'elasticdump') return new HitLines(new TextLines(maxBytes, at));
  if (known !== 'csv' && known !== 'tsv') return undefined;
  const rows = new CsvRows({ ...csv, delimiter: csv.delimiter ?? (known === 'csv' ? ',' : '\t') }, maxBytes);
  rows.push(head);
  return rows.goOnAt(at) ? rows : undefined;
};

const hasFirstLine = (head: Buffer): boolean => /^\s*\S[^\n]*\n/.test(head.toString('latin1'));

/** The first bytes decide; text that is no JSON is what its name says. */
const formatOf = (head: Buffer, path: string): Known => {
  if (head.subarray(0, 4).equals(AVRO_MAGIC)) return 'avro';
  if (head.subarray(0, 4).equals(PARQUET_MAGIC)) return 'parquet';
  const ending = /\.(csv|tsv|json)$/i.exec(basename(path).replace(/\.(gz|zst|bz2)$/i, ''))?.[1]?.toLowerCase();
  if (ending === 'csv' || ending === 'tsv') return ending;
  const text = withoutMark(head);
  const start = text.findIndex((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  if (text[start] === 0x5b) return 'json';
  const end = text.indexOf(0x0a, start);
  const first = text.subarray(Math.max(0, start), end < 0 ? undefined : end);
  if (isAction(first)) return 'bulk';
  if (isHit(first)) return 'elasticdump';
  // An object that is written over several lines.
  return ending === 'json' && !/\}\s*$/.test(first.toString('latin1')) ? 'json' : 'ndjson';
};

const withoutMark = (head: Buffer): Buffer =>
  head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? head.subarray(3) : head;
