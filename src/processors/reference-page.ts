import { stringify } from 'yaml';
import { z } from 'zod';
import { COMMON_OPTIONS } from '../pipeline/compile.ts';
import { PROCESSORS } from './table.ts';

interface OptionSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, OptionSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly OptionSchema[];
  readonly items?: OptionSchema;
}

/** docs/reference/processors.md, made from the definitions. */
export const processorsPage = (): string =>
  [
    INTRODUCTION,
    '## Options of every processor\n',
    optionTable(z.object(COMMON_OPTIONS)),
    ...Object.values(PROCESSORS).map(({ type, summary, options, example }) =>
      [
        `## ${type}\n`,
        `${summary}\n`,
        optionTable(options),
        ...(NOTES[type] === undefined ? [] : [`${NOTES[type]}\n`]),
        exampleBlock(type, example as { options: object; before: object; after: object }),
      ].join('\n'),
    ),
  ].join('\n');

const optionTable = (type: z.ZodType): string => {
  const rows = optionRows(z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as OptionSchema);
  if (rows.length === 0) return 'No options of its own.\n';
  return `| option | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
};

const optionRows = ({ properties = {}, required = [] }: OptionSchema, prefix = ''): string[] =>
  Object.entries(properties).flatMap(([name, option]) => {
    const inner = (option.anyOf ?? []).find((each) => each.properties !== undefined);
    const needed = required.includes(name) ? 'required' : '';
    const fallback = option.default === undefined ? needed : code(String(option.default));
    const values =
      option.enum === undefined ? '' : ` One of ${option.enum.map((value) => code(String(value))).join(', ')}.`;
    const meaning = `${option.description ?? ''}${values}`.replaceAll('|', '\\|');
    const row = `| ${code(prefix + name)} | ${fallback} | ${meaning} |`;
    return [row, ...(inner === undefined ? [] : optionRows(inner, `${prefix}${name}.`))];
  });

const code = (text: string) => `\`${text}\``;

const exampleBlock = (type: string, { options, before, after }: { options: object; before: object; after: object }) => {
  const result =
    type === 'drop'
      ? 'is dropped'
      : type === 'fail'
        ? 'fails with that message'
        : `becomes ${code(JSON.stringify(after))}`;
  const needs = type === 'pipeline' ? ', where the pipeline `inner` sets `inner` to true' : '';
  return `\`\`\`yaml\n${stringify([{ [type]: options }])}\`\`\`\n\n${code(JSON.stringify(before))} ${result}${needs}.\n`;
};

const INTRODUCTION = `# Processors

The ingest processors of Elasticsearch that sluice runs, with their options, results and error messages. Unknown options
are refused. \`field\` and other paths are dotted: \`a.b\`, \`list.0\`, \`_ingest.timestamp\`, \`_id\`; \`_kafka.…\` and
\`_file.…\` tell where a document came from and are read-only.

Options marked as templates take mustache: \`{{{field}}}\` as it is, \`{{field}}\` escaped as JSON, sections, \`{{#join}}\`,
\`{{#toJson}}\`, \`{{#url}}\`. As in Elasticsearch a list prints as \`{0=a, 1=b}\`, a missing field as nothing, and an element
beyond the end of a list fails the processor.

Failures: \`_ingest.on_failure_message\`, \`_ingest.on_failure_processor_type\`, \`_ingest.on_failure_processor_tag\` and
\`_ingest.on_failure_pipeline\` are there while \`on_failure\` runs. As in Elasticsearch the message is that of the innermost
cause, a processor with an \`if\` is a \`conditional\`, the processor of a foreach fails as the foreach, and a failing \`if\`
is not covered by the processor's own \`ignore_failure\` and \`on_failure\`.
`;

/** What cannot be said of one option. */
const NOTES: Readonly<Record<string, string>> = {
  append:
    'With `ignore_empty_values` and nothing left to append, or with `allow_duplicates: false` and everything there already, the field stays as it is.',
  convert:
    'Integers and longs take decimal digits, or hexadecimal ones behind `0x` and `-0x`. Doubles and floats without a fraction stay so: `1` becomes `1.0`.',
  date: `Letters of Java's patterns that are known: \`u y M L d D Q q E a H k K h m s S A n N VV z X x Z O\`, \`[\` \`]\`, and text in
quotes. Not supported, and refused: \`G B F g w W Y e c v p\` and quarters by name. \`z\` knows ids of zones and the short names
of the usual ones (EST, CET, JST, …). Formats by name: \`iso8601\`, \`epoch_millis\`, \`epoch_second\`, \`basic_date\`,
\`basic_date_time\`, \`basic_date_time_no_millis\`, \`date_optional_time\`, \`date_time\`, \`date_time_no_millis\`, \`date\`,
\`date_hour\`, \`date_hour_minute\`, \`date_hour_minute_second\`, \`date_hour_minute_second_millis\`, \`ordinal_date\`, \`year\`,
\`year_month\`, \`year_month_day\`, and those with \`strict_\` where Elasticsearch has them; \`||\` between several. A date without
a year is of this year.`,
  gsub: 'A replacement that names a group which the pattern does not have is refused when the pipeline is checked.',
  inference: `Without \`field_map\` the model reads the field \`text_field\`; where the document has one, it comes before mapped
fields. A result for a field that is there already is appended to it. With \`input_output\` the main result goes to
\`output_field\`, the others (\`entities\`, \`is_truncated\`, …) and \`model_id\` beside it; a text that is null, or missing where
that is allowed, is left out, while Elasticsearch sends an empty text for it.`,
  json: "What is not JSON fails with `x_content_parse_exception`, line and column; the words are sluice's own.",
  remove: 'One of `field` and `keep` is needed.',
  set: 'One of `value` and `copy_from` is needed.',
};
