import { readFileSync } from 'node:fs';
import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { JsonValue, PlainObject } from '../../core/json/values.ts';

/** A field that an inference step writes. */
export interface InferenceField {
  readonly path: string;
  readonly results_field: string;
  readonly task: 'ner' | 'text_embedding';
  readonly model_id: string;
  readonly sha256: string;
  readonly pooling: string;
  readonly dims: number;
  readonly similarity: string;
  /** True where a vector is an array of window objects. */
  readonly windows: boolean;
}

export interface IndexSettings {
  /** The index name, or the template with its holes. */
  readonly index: string;
  readonly dataStream: boolean;
  /** auto, off, or a path. */
  readonly mappings: string;
  /** Body of the create-index request for auto. */
  readonly body: PlainObject;
  readonly fields: readonly InferenceField[];
  readonly streamName: string;
  readonly allowMixedVectors: boolean;
}

type Properties = Record<string, PlainObject>;

/** The mapping of what the pipeline's inference steps write, with the vectors' provenance in `_meta.sluice`. */
export const inferenceMappings = (fields: readonly InferenceField[]): PlainObject => {
  const properties: Properties = {};
  for (const field of fields) {
    const target = nest(properties, field.path.split('.'));
    target.model_id = { type: 'keyword' };
    target.is_truncated = { type: 'boolean' };
    if (field.task === 'ner') {
      target[field.results_field] = { type: 'text' };
      target.entities = {
        properties: {
          entity: { type: 'keyword', ignore_above: 8191 },
          class_name: { type: 'keyword' },
          class_probability: { type: 'float' },
          start_pos: { type: 'integer' },
          end_pos: { type: 'integer' },
        },
      };
      continue;
    }
    const vector: PlainObject = { type: 'dense_vector', dims: field.dims, index: true, similarity: field.similarity };
    target[field.results_field] = field.windows
      ? {
          type: 'nested',
          properties: { text_start: { type: 'integer' }, text_end: { type: 'integer' }, embedding: vector },
        }
      : vector;
  }
  return { _meta: { sluice: { vectors: provenance(fields) } }, properties };
};

const provenance = (fields: readonly InferenceField[]): PlainObject =>
  Object.fromEntries(
    fields
      .filter(({ task }) => task === 'text_embedding')
      .map(({ path, model_id, sha256, pooling, dims }) => [path, { model_id, sha256, pooling, dims }]),
  );

const nest = (properties: Properties, path: readonly string[]): Properties => {
  let at = properties;
  for (const part of path) {
    const object = (at[part] ??= { properties: {} }) as { properties?: Properties };
    object.properties ??= {};
    at = object.properties;
  }
  return at;
};

/**
 * Creates the index, data stream template or index template, or checks the one that is there.
 * @throws SluiceError SLUICE_SINK_MAPPING with what does not fit
 */
export const prepareIndex = async (connection: ElasticsearchConnection, settings: IndexSettings): Promise<void> => {
  const { index, mappings, dataStream } = settings;
  if (mappings === 'off') return;
  const body = mappings === 'auto' ? settings.body : readMappings(mappings);
  try {
    if (index.includes('{{') || dataStream) await putTemplate(connection, settings, body);
    else {
      const existing = await currentMappings(connection, index);
      if (existing === undefined) await createIndex(connection, index, body);
      else await fit(connection, settings, existing, body);
    }
  } catch (error) {
    if (!(error instanceof ElasticsearchError)) throw error;
    throw new SluiceError(
      error.status === 401 || error.status === 403 ? 'SLUICE_SINK_AUTH' : 'SLUICE_SINK_MAPPING',
      `the index could not be prepared: ${error.type}: ${error.message}`,
      {
        place: index,
        hint: 'With `mappings: off` sluice leaves indices alone and needs no privileges but to write.',
        cause: error,
      },
    );
  }
};

const readMappings = (path: string): PlainObject => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PlainObject;
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the mappings file cannot be read: ${messageOf(error)}`, {
      place: path,
    });
  }
};

const createIndex = async (connection: ElasticsearchConnection, index: string, body: PlainObject): Promise<void> => {
  try {
    await connection.request({ method: 'PUT', path: `/${encodeURIComponent(index)}`, body });
  } catch (error) {
    // Another worker was quicker.
    if (!(error instanceof ElasticsearchError) || error.type !== 'resource_already_exists_exception') throw error;
  }
};

/** `news-{{{category}}}` → `news-*`. */
export const patternOf = (index: string): string => index.replace(/\{\{\{?[^}]*\}?\}\}/g, '*').replace(/\*+/g, '*');

const putTemplate = async (
  connection: ElasticsearchConnection,
  { index, dataStream, streamName }: IndexSettings,
  body: PlainObject,
): Promise<void> => {
  const pattern = patternOf(index);
  if (pattern === '*') {
    throw new SluiceError(
      'SLUICE_SINK_MAPPING',
      'an index that is nothing but a template gets no mappings from sluice: they would hold for every index',
      {
        place: index,
        hint: 'Give the name a fixed beginning, or set `mappings: off`.',
      },
    );
  }
  const template: PlainObject = {
    index_patterns: [pattern],
    priority: 200,
    template: body,
    _meta: { sluice: { stream: streamName } },
  };
  if (dataStream) template.data_stream = {};
  await connection.request({
    method: 'PUT',
    path: `/_index_template/sluice-${encodeURIComponent(streamName)}`,
    body: template,
  });
};

const currentMappings = async (
  connection: ElasticsearchConnection,
  index: string,
): Promise<PlainObject[] | undefined> => {
  try {
    const { body } = await connection.request({ method: 'GET', path: `/${encodeURIComponent(index)}/_mapping` });
    return Object.values(body as Record<string, { mappings: PlainObject }>).map(({ mappings }) => mappings);
  } catch (error) {
    if (error instanceof ElasticsearchError && error.status === 404) return undefined;
    throw error;
  }
};

/** An existing index: other vectors are refused, missing fields are added, and what contradicts is told. */
const fit = async (
  connection: ElasticsearchConnection,
  settings: IndexSettings,
  existing: readonly PlainObject[],
  wanted: PlainObject,
): Promise<void> => {
  const { index, fields, allowMixedVectors } = settings;
  const problems: string[] = [];
  for (const mapping of existing) {
    const known =
      ((mapping._meta as PlainObject | undefined)?.sluice as { vectors?: Record<string, PlainObject> } | undefined)
        ?.vectors ?? {};
    for (const [path, mine] of Object.entries(provenance(fields))) {
      const theirs = known[path];
      if (theirs !== undefined && !allowMixedVectors && theirs.sha256 !== (mine as PlainObject).sha256) {
        throw new SluiceError(
          'SLUICE_SINK_MAPPING',
          `the vectors in [${path}] come from the model [${String(theirs.model_id)}] (sha-256 ${String(theirs.sha256).slice(0, 12)}…), and this stream would write those of another`,
          {
            place: index,
            hint: 'Vectors of two models cannot be compared. Write into a new index, or start with --allow-mixed-vectors.',
          },
        );
      }
    }
    compare(
      (mapping.properties ?? {}) as Properties,
      ((wanted.mappings as PlainObject | undefined)?.properties ?? {}) as Properties,
      [],
      problems,
    );
  }
  if (problems.length > 0) {
    throw new SluiceError(
      'SLUICE_SINK_MAPPING',
      `the mapping does not fit what the pipeline writes:\n  ${problems.join('\n  ')}`,
      {
        place: index,
        hint: 'Write into a new index, or set `mappings: off` when the cluster is meant to decide.',
      },
    );
  }
  const { properties, _meta } = (wanted.mappings ?? {}) as PlainObject & {
    properties?: JsonValue;
    _meta?: PlainObject;
  };
  if (settings.mappings !== 'auto' || fields.length === 0 || properties === undefined) return;
  const meta = { ...((existing[0]?._meta as PlainObject | undefined) ?? {}), ...(_meta ?? {}) } as PlainObject;
  await connection.request({
    method: 'PUT',
    path: `/${encodeURIComponent(index)}/_mapping`,
    body: { properties, _meta: meta },
  });
};

const compare = (have: Properties, want: Properties, path: readonly string[], problems: string[]): void => {
  for (const [name, wanted] of Object.entries(want)) {
    const found = have[name];
    if (found === undefined) continue;
    const here = [...path, name].join('.');
    const type = (mapping: PlainObject) => (mapping.type as string | undefined) ?? 'object';
    if (type(found) !== type(wanted))
      problems.push(`[${here}] is mapped as ${type(found)}, and the pipeline writes ${type(wanted)}`);
    else if (wanted.type === 'dense_vector' && found.dims !== undefined && found.dims !== wanted.dims)
      problems.push(`[${here}] has ${String(found.dims)} dimensions, and the model ${String(wanted.dims)}`);
    if (wanted.properties !== undefined)
      compare((found.properties ?? {}) as Properties, wanted.properties as Properties, [...path, name], problems);
  }
};
