import { z } from 'zod';
import { ERROR_CODES } from '../core/error-codes.ts';
import { elasticsearchModelOptions, localModelOptions } from '../inference/options.ts';
import { processorsPage } from '../processors/reference-page.ts';
import { SERVE_METRICS } from '../server/elasticsearch/serve-metrics.ts';
import type { Metric } from '../server/metric.ts';
import { METRICS } from '../server/metrics.ts';
import { pipelineSchema } from './pipeline-schema.ts';
import { limitsSchema, SINKS, SOURCES } from './stream-config.ts';

/** Every file of the repository that is made from definitions, by its path. A test says when one is stale. */
export const generated = (): Record<string, string> => ({
  'schemas/pipeline.schema.json': `${JSON.stringify(pipelineSchema(), null, 2)}\n`,
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/metrics.md': metricsPage(),
  'docs/reference/pipeline-file.md': pipelineFilePage(),
  'docs/reference/processors.md': processorsPage(),
});

const errorsPage = (): string => {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { exitCode, about }]) => `| \`${code}\` | ${exitCode} | ${about} |`,
  );
  return `# Errors\n\nEvery error that sluice shows has a code, the place, and the way out. A command that ends with one has its exit status;\n0 means that everything went well, 130 and 143 that a second SIGINT or SIGTERM ended it at once,\nor a first one before any stream had started.\n\n| code | exit status | meaning |\n|---|--:|---|\n${rows.join('\n')}\n`;
};

const metricsPage = (): string => {
  const rows = (metrics: readonly Pick<Metric<never>, 'name' | 'type' | 'help' | 'labels'>[], ...before: string[]) =>
    metrics
      .map(
        ({ name, type, help, labels }) => `| \`${name}\` | ${type} | ${[...before, ...labels].join(', ')} | ${help} |`,
      )
      .join('\n');
  const head = '| metric | type | labels | meaning |\n|---|---|---|---|';
  return `# Metrics

\`sluice run --http 127.0.0.1:9281\` serves \`/livez\`, \`/readyz\` (503 while a stream cannot deliver, with the reason) and
\`/metrics\` in Prometheus' text format. Beside these stand Node's own
(\`process_*\`, \`nodejs_*\`): memory, processor time, garbage collection, delay of the event loop.

${head}
${rows(METRICS, 'stream')}

## \`sluice serve\`

\`sluice serve --http 127.0.0.1:9281\` serves the same three, \`/readyz\` with 200 once the models of the start can infer or have
failed, and with the state of every deployment. \`model\` is the id of the deployment.

${head}
${rows(SERVE_METRICS)}
`;
};

interface OptionSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Record<string, OptionSchema>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly OptionSchema[];
}

const optionRows = (schema: OptionSchema, prefix = ''): string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const required = schema.required?.includes(name) === true;
    const path = `${prefix}${name}`;
    const fallback = option.default === undefined || typeof option.default === 'object' ? '' : String(option.default);
    const values =
      option.enum === undefined ? '' : ` One of ${option.enum.map((value) => `\`${String(value)}\``).join(', ')}.`;
    const row = `| \`${path}\` | ${required ? 'required' : fallback === '' ? '' : `\`${fallback}\``} | ${(option.description ?? '').replaceAll('|', '\\|')}${values} |`;
    return [row, ...optionRows(option, `${path}.`)];
  });

const table = (title: string, type: z.ZodType): string => {
  const schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as OptionSchema;
  const rows = optionRows(schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema);
  return rows.length === 0
    ? `## ${title}\n\nNo options.\n`
    : `## ${title}\n\n| option | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
};

const pipelineFilePage = (): string =>
  [
    "# The pipeline file\n\nOne YAML file is one stream: `source`, `processors` (an Elasticsearch ingest pipeline, see processors.md), `models`, `sink`,\n`dead_letter`, `limits`. `sluice validate FILE` tells all mistakes with line and column; `schemas/pipeline.schema.json` makes\neditors do the same. Sizes are written like `64mb`, times like `30s`.\n\nOutside of `processors`, `on_failure` and `pipelines`, `${NAME}` is the environment variable, `${NAME:-default}` has a default,\n`${file:/run/secrets/key}` is a file's content, and `$${` stands for `${`.\n",
    ...Object.entries(SOURCES).map(([name, type]) => table(`source.${name}`, type)),
    ...Object.entries(SINKS).map(([name, type]) => table(`sink.${name}, dead_letter.${name}`, type)),
    table('models.NAME, local', localModelOptions),
    table('models.NAME, in Elasticsearch', elasticsearchModelOptions),
    table('limits', limitsSchema),
  ].join('\n');
