import { ElasticsearchConnection } from '../../../src/connections/elasticsearch/client.ts';
import { elasticsearchConnectionSchema } from '../../../src/connections/elasticsearch/options.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { ItemResult, Sink, SourceRecord } from '../../../src/core/contracts.ts';
import { IngestDocument } from '../../../src/core/document.ts';
import { readJson } from '../../../src/core/json/read.ts';
import type { JsonObject, PlainObject } from '../../../src/core/json/values.ts';
import { compileTemplate } from '../../../src/pipeline/mustache.ts';
import type { BulkAction } from '../../../src/sinks/elasticsearch/action.ts';
import { type InferenceField, inferenceMappings, prepareIndex } from '../../../src/sinks/elasticsearch/mappings.ts';
import { elasticsearchSinkOptions } from '../../../src/sinks/elasticsearch/options.ts';
import { elasticsearchSink } from '../../../src/sinks/elasticsearch/sink.ts';

/** Plain HTTP, so that what sluice wrote is looked at by something else than sluice's own client. */
export const elastic = async <T = Record<string, unknown>>(
  url: string,
  method: string,
  path: string,
  body?: object | string,
): Promise<T> => {
  const answer = await fetch(`${url}${path}`, {
    method,
    ...(body !== undefined && {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': path.includes('_bulk') ? 'application/x-ndjson' : 'application/json' },
    }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
  return (text === '' ? {} : JSON.parse(text)) as T;
};

export interface Hit {
  readonly _id: string;
  readonly _index: string;
  readonly _version: number;
  readonly _source: Record<string, never> & Record<string, unknown>;
}

/** Every document of an index, however many. */
export const allHits = async (url: string, index: string): Promise<Hit[]> => {
  await elastic(url, 'POST', `/${index}/_refresh`);
  const hits: Hit[] = [];
  for (let after: unknown; ; ) {
    const { hits: page } = await elastic<{ hits: { hits: (Hit & { sort: unknown[] })[] } }>(
      url,
      'POST',
      `/${index}/_search`,
      { size: 1000, version: true, sort: ['_doc'], ...(after !== undefined && { search_after: after }) },
    );
    hits.push(...page.hits);
    if (page.hits.length < 1000) return hits;
    after = page.hits.at(-1)!.sort;
  }
};

export const count = async (url: string, index: string): Promise<number> => {
  await elastic(url, 'POST', `/${index}/_refresh`);
  return (await elastic<{ count: number }>(url, 'GET', `/${index}/_count`)).count;
};

/** What a pipeline would hand to the sink; metadata as processors set it. */
export const documentOf = (source: PlainObject, metadata: Record<string, string | number> = {}): IngestDocument => {
  const raw = Buffer.from(JSON.stringify(source));
  const document = new IngestDocument({ source: readJson(raw).value as JsonObject, raw });
  for (const [key, value] of Object.entries(metadata)) document.metadata.set(key, value);
  return document;
};

export interface TestSink {
  readonly connection: ElasticsearchConnection;
  readonly sink: Sink<BulkAction>;
  /** Prepares and writes as one bulk request. */
  write(...documents: IngestDocument[]): Promise<readonly ItemResult[]>;
}

/** The sink over a real cluster, put together as the command line does it. */
export const testSink = (
  url: string,
  options: Record<string, unknown>,
  fields: readonly InferenceField[] = [],
  allowMixedVectors = false,
): TestSink => {
  const parsed = elasticsearchSinkOptions.parse({ mappings: 'off', connect_timeout: 5000, ...options, nodes: url });
  const connection = new ElasticsearchConnection(
    elasticsearchConnectionSchema.parse({ nodes: url, connect_timeout: 5000 }),
  );
  const template = (source: string | undefined) => {
    const compiled = source === undefined ? undefined : compileTemplate(source);
    return compiled && ((document: IngestDocument) => compiled.render(document));
  };
  const sink = elasticsearchSink({
    options: parsed,
    connection,
    clock: systemClock,
    templates: {
      index: template(parsed.index)!,
      id: template(parsed.id),
      routing: template(parsed.routing),
      version: template(parsed.version),
      versionType: parsed.version_type,
      opType: parsed.data_stream ? 'create' : parsed.op_type,
      docAsUpsert: parsed.doc_as_upsert,
      retryOnConflict: parsed.retry_on_conflict,
      requireAlias: parsed.require_alias,
      dynamicTemplates: parsed.dynamic_templates,
    },
    prepareIndex: () =>
      prepareIndex(connection, {
        index: parsed.index,
        dataStream: parsed.data_stream,
        mappings: parsed.mappings,
        body: { mappings: inferenceMappings(fields) },
        fields,
        streamName: parsed.index.replace(/[^a-z0-9-]/g, ''),
        allowMixedVectors,
      }),
  });
  let next = 0;
  return {
    connection,
    sink,
    write: (...documents) =>
      sink.write(
        documents.map((document) => sink.prepare(document, recordAt(next++))),
        AbortSignal.timeout(30_000),
      ),
  };
};

const recordAt = (position: number): SourceRecord => ({
  position: BigInt(position),
  next: BigInt(position + 1),
  bytes: 1,
  value: null,
  key: null,
  headers: {},
  timestamp: 0,
  defaultId: () => `topic-0-${position}`,
  origin: () => ({ name: '_kafka', fields: {} }),
});
