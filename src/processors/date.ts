import { z } from 'zod';
import { illegalArgument } from '../core/errors.ts';
import { javaString } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { dateParser, patternFormatter, zoneOf } from './date-format.ts';

const OUTPUT = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX";

export const date = defineProcessor({
  type: 'date',
  summary: 'Parses a date and writes it in one format.',
  options: z.strictObject({
    field: z.string().describe('The text or number to parse.'),
    target_field: z.string().default('@timestamp').describe('Where the date goes.'),
    formats: z
      .array(z.string())
      .min(1)
      .describe('Formats to try in turn: Java time patterns, ISO8601, UNIX, UNIX_MS, TAI64N.'),
    timezone: z.string().default('UTC').describe('Zone of dates that name none, and of the result. A template.'),
    locale: z.string().default('ENGLISH').describe('Language of month and day names. A template.'),
    output_format: z.string().default(OUTPUT).describe('Java time pattern of the result.'),
  }),
  example: {
    options: { field: 'a', formats: ['dd/MM/yyyy'] },
    before: { a: '02/01/2020' },
    after: { a: '02/01/2020', '@timestamp': '2020-01-02T00:00:00.000Z' },
  },
  build: ({ field, target_field, formats, timezone, locale, output_format }) => {
    const parsers = formats.map(dateParser);
    const zoneTemplate = compileTemplate(timezone);
    const localeTemplate = compileTemplate(locale);
    const output = patternFormatter(output_format, 'en');
    // What cannot work for any document is told when the pipeline is checked.
    if (zoneTemplate.constant !== undefined) zoneOf(zoneTemplate.constant);
    for (const format of formats)
      if (!['ISO8601', 'UNIX', 'UNIX_MS', 'TAI64N'].includes(format))
        patternFormatter(format, localeTemplate.constant ?? 'en');
    return {
      mode: 'sync',
      execute: (document) => {
        const text = javaString(document.get(field));
        const zone = zoneOf(zoneTemplate.render(document) || 'UTC');
        const language = localeTemplate.render(document) || 'en';
        for (const parse of parsers) {
          try {
            document.set(target_field, parse(text, zone, language).format(output));
            return 'keep';
          } catch {
            // The next format.
          }
        }
        throw illegalArgument(`unable to parse date [${text}]`);
      },
    };
  },
});
