import { basename } from 'node:path';
import type { Answers } from './commands/init.ts';

/** A commented pipeline file for somebody who knows Kafka and Elasticsearch, and no machine learning. */
export const template = (file: string, { source, sink, purpose }: Answers): string => {
  const name =
    basename(file)
      .replace(/\.ya?ml$/, '')
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'stream';
  const parts = [
    `# One stream: source, processors, sink. Check it with: sluice validate ${file}\nname: ${name}\n`,
    SOURCE[source](name),
    processors(purpose),
    ...(purpose === 'copy' ? [] : [MODEL]),
    SINK[sink](name),
    deadLetter(source, name),
  ];
  return parts.join('\n');
};

const SOURCE: Readonly<Record<Answers['source'], (name: string) => string>> = {
  kafka: (name) => `source:
  kafka:
    brokers: "\${KAFKA_BROKERS:-localhost:9092}" # the environment variable, or this default
    topics: [${name}] # /^${name}-.*/ would be a pattern
    group_id: sluice-${name} # workers with the same group share the partitions
`,
  dump: () => `source:
  dump:
    paths: "dumps/*.ndjson.gz" # plain, .gz or .zst
`,
};

const inference = (tag: string, target: string, task: string) => `  - inference:
      tag: ${tag}
      model_id: enrich
      if: ctx.body != null # documents without a text pass through
      target_field: ${target}
      field_map: { body: text_field } # \`body\` is the field with the text: change it to yours
      inference_config: { ${task}: {} }
`;

const processors = (purpose: Answers['purpose']): string => {
  const steps = [
    '  - set: { field: ingested_at, value: "{{{_ingest.timestamp}}}" }\n',
    ...(purpose === 'enrich' || purpose === 'entities' ? [inference('entities', 'ml.ner', 'ner')] : []),
    ...(purpose === 'enrich' || purpose === 'search' ? [inference('vectors', 'ml.body', 'text_embedding')] : []),
  ];
  return `# An Elasticsearch ingest pipeline, word for word: paste the one you have.
processors:
${steps.join('')}`;
};

const MODEL = `models:
  enrich:
    path: models/minilm-l6-enrich-en # bundled with sluice: English, runs in this process
    long_text: sentences # the whole text in passages; truncate takes only its head, as Elasticsearch does
`;

const SINK: Readonly<Record<Answers['sink'], (name: string) => string>> = {
  elasticsearch: (name) => `sink:
  elasticsearch:
    nodes: "\${ES_URL:-http://localhost:9200}"
    # auth: { api_key: "\${file:/run/secrets/es-api-key}" }
    index: ${name}
    # id: "{{{article_id}}}" # without one, a record always gets the same id: nothing is doubled
    mappings: auto # creates the index with fields for what the models write
`,
  file: (name) => `sink:
  file:
    path: out/${name}.ndjson # the body of a _bulk request
    index: ${name}
`,
  kafka: (name) => `sink:
  kafka:
    brokers: "\${KAFKA_BROKERS:-localhost:9092}"
    topic: ${name}.enriched
`,
};

const deadLetter = (
  source: Answers['source'],
  name: string,
): string => `# Documents that fail for good go here with the reason; without it the stream stops at the first one.
dead_letter:
${source === 'kafka' ? `  kafka: { topic: ${name}.dead-letter }` : `  file: { path: out/${name}.dead-letter.ndjson }`}
`;
