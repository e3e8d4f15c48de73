import { isUtf8 } from 'node:buffer';
import Papa from 'papaparse';
import type { Codec } from '../../core/contracts.ts';
import { ProcessorError } from '../../core/errors.ts';
import { objectOf } from '../../core/json/values.ts';

export interface Cells {
  readonly delimiter: string;
  readonly quote: string;
}

/** The cells of one row, or what is wrong with it. */
export const cellsOf = (row: Uint8Array, { delimiter, quote }: Cells): string[] | string => {
  if (!isUtf8(row)) return 'the row is not UTF-8';
  const text = Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString('utf8');
  const { data, errors } = Papa.parse<string[]>(text, { delimiter, quoteChar: quote, newline: '\n' });
  if (errors.length > 0) return `the row cannot be read: ${errors[0]!.message}`;
  return data.length === 1 ? data[0]! : 'the row is more than one';
};

/** One row as an object of texts. */
export const csvCodec = (columns: readonly string[], { delimiter, quote }: Cells): Codec => ({
  type: 'csv',
  description: { csv: { columns: [...columns], delimiter, quote } },
  decode: (row) => {
    const cells = cellsOf(row, { delimiter, quote });
    if (typeof cells === 'string') throw new ProcessorError('parse_exception', cells);
    if (cells.length !== columns.length)
      throw new ProcessorError('parse_exception', `the row has ${cells.length} cells for ${columns.length} columns`);
    return { source: objectOf(columns.map((name, index) => [name, cells[index]!] as const)), raw: undefined };
  },
});
