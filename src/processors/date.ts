import { z } from 'zod';
import { ProcessorError } from '../core/errors.ts';
import { javaString } from '../core/json/values.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { firstOf, readerOf, writerOf } from './date/formats.ts';
import { localeOf } from './date/names.ts';
import { zoneOf } from './date/zone.ts';
import { checkedBy, templateOption } from './template-option.ts';

/** What is wrong with an option that holds no template is told when the pipeline is checked. */
const constantBy = (check: (text: string) => unknown) =>
  checkedBy((source: string) => {
    const { constant } = compileTemplate(source);
    return constant === undefined ? undefined : check(constant);
  });

export const date = defineProcessor({
  type: 'date',
  summary: 'Parses a date and writes it in one format.',
  options: z.strictObject({
    field: z.string().describe('The text or number to parse.'),
    target_field: z.string().default('@timestamp').describe('Where the date goes.'),
    formats: z
      .array(z.string().superRefine(checkedBy(readerOf)))
      .min(1)
      .describe(
        "Formats to try in turn: Java time patterns, `ISO8601`, `UNIX`, `UNIX_MS`, `TAI64N`, or Elasticsearch's names of formats.",
      ),
    timezone: templateOption()
      .superRefine(constantBy(zoneOf))
      .default('UTC')
      .describe('Zone of dates that name none, and of the result. A template.'),
    locale: templateOption()
      .superRefine(constantBy(localeOf))
      .default('en')
      .describe('Language of the names of months and days, e.g. `fr`. A template.'),
    output_format: z
      .string()
      .superRefine(checkedBy(writerOf, (format) => `invalid output format [${format}]: `))
      .default("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
      .describe('Format of the result.'),
  }),
  example: {
    options: { field: 'a', formats: ['dd/MM/yyyy'] },
    before: { a: '02/01/2020' },
    after: { a: '02/01/2020', '@timestamp': '2020-01-02T00:00:00.000Z' },
  },
  build: ({ field, target_field, formats, timezone, locale, output_format }, { clock }) => {
    const readers = formats.map((format) => ({ format, read: readerOf(format) }));
    const write = writerOf(output_format);
    const zoneTemplate = compileTemplate(timezone);
    const localeTemplate = compileTemplate(locale);
    return {
      mode: 'sync',
      execute: (document) => {
        const text = javaString(document.get(field));
        let result: string;
        try {
          const zone = zoneOf(zoneTemplate.render(document));
          const language = localeOf(localeTemplate.render(document));
          result = firstOf(readers, ({ format, read }) => {
            try {
              return write(read(text, zone, language, clock.now()), zone);
            } catch (cause) {
              const message = `failed to parse date field [${text}] with format [${format}]`;
              throw new ProcessorError('illegal_argument_exception', message, { cause });
            }
          });
        } catch (cause) {
          throw new ProcessorError('illegal_argument_exception', `unable to parse date [${text}]`, { cause });
        }
        document.set(target_field, result);
        return 'keep';
      },
    };
  },
});
