import { readFileSync } from 'node:fs';
import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { resultProperties } from './result-mappings.ts';
import { checkProvenance, checkVectors, provenance, withProvenance } from './vectors.ts';

/** A field that an inference step writes. */
export interface InferenceField {
  readonly path: string;
  readonly results_field: string;
  /** Elasticsearch's name of the task. */
  readonly task: string;
  readonly model_id: string;
  readonly sha256: string;
  readonly pooling: string;
  readonly dims: number;
  readonly similarity: string;
  readonly element_type: string;
  /** True where a vector is an array of window objects. */
  readonly windows: boolean;
  /** The endpoint of a `semantic_text` field. */
  readonly semantic_text?: string | undefined;
  /** True where the result is not under `path` but beside others: `input_output`. */
  readonly direct?: boolean;
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
    const target = nest(properties, field.path.split('.').filter(Boolean));
    if (isSemantic(field)) {
      target[field.results_field] = { type: 'semantic_text', inference_id: field.semantic_text! };
      continue;
    }
    target.model_id = { type: 'keyword' };
    target.is_truncated = { type: 'boolean' };
    Object.assign(target, resultProperties(field));
  }
  return { _meta: { sluice: { vectors: provenance(fields) } }, properties };
};

const isSemantic = ({ semantic_text, task }: InferenceField): boolean =>
  semantic_text !== undefined && (task === 'text_embedding' || task === 'text_expansion');

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
  const body = mappings === 'auto' ? settings.body : marked(readMappings(mappings), settings.fields);
  try {
    if (index.includes('{{') || dataStream) await putTemplate(connection, settings, body);
    else {
      const existing = await currentMappings(connection, index);
      if (existing !== undefined) await fit(connection, settings, existing, body);
      else if (!(await createIndex(connection, index, body)))
        await fit(connection, settings, (await currentMappings(connection, index)) ?? {}, body);
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

/** A mappings file says nothing of the vectors' model, and the next stream must be able to tell. */
const marked = (body: PlainObject, fields: readonly InferenceField[]): PlainObject => {
  if (Object.keys(provenance(fields)).length === 0) return body;
  const mappings = body.mappings as PlainObject | undefined;
  return { ...body, mappings: { ...mappings, _meta: withProvenance(mappings?._meta as PlainObject, fields) } };
};

/** False where another worker was quicker. */
const createIndex = async (connection: ElasticsearchConnection, index: string, body: PlainObject): Promise<boolean> => {
  try {
    await connection.request({ method: 'PUT', path: `/${encodeURIComponent(index)}`, body });
    return true;
  } catch (error) {
    if (!(error instanceof ElasticsearchError) || error.type !== 'resource_already_exists_exception') throw error;
    return false;
  }
};

/** `news-{{{category}}}` → `news-*`. */
export const patternOf = (index: string): string => index.replace(/\{\{\{?[^}]*\}?\}\}/g, '*').replace(/\*+/g, '*');

const putTemplate = async (
  connection: ElasticsearchConnection,
  settings: IndexSettings,
  body: PlainObject,
): Promise<void> => {
  const { index, dataStream, streamName } = settings;
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
  const path = `/_index_template/sluice-${encodeURIComponent(streamName)}`;
  if (Object.keys(provenance(settings.fields)).length > 0)
    await checkTemplated(connection, settings, path, pattern, body);
  const template: PlainObject = {
    index_patterns: [pattern],
    priority: 200,
    template: body,
    _meta: { sluice: { stream: streamName } },
  };
  if (dataStream) template.data_stream = {};
  await connection.request({ method: 'PUT', path, body: template });
};

/** What was written under the pattern before: kNN searches all of it together. */
const checkTemplated = async (
  connection: ElasticsearchConnection,
  settings: IndexSettings,
  path: string,
  pattern: string,
  body: PlainObject,
): Promise<void> => {
  const { fields, allowMixedVectors } = settings;
  const answer = await found(connection, path);
  for (const { index_template } of (answer as { index_templates?: Templates } | undefined)?.index_templates ?? []) {
    const meta = index_template.template?.mappings?._meta;
    if (!allowMixedVectors && index_template.index_patterns.includes(pattern)) checkProvenance(pattern, meta, fields);
  }
  const problems: string[] = [];
  for (const [name, mapping] of Object.entries((await currentMappings(connection, pattern)) ?? {})) {
    if (!allowMixedVectors) await checkVectors(connection, name, mapping, fields);
    const own: string[] = [];
    compare(propertiesOf(mapping), propertiesOf(body.mappings as PlainObject | undefined), [], own, true);
    problems.push(...own.map((problem) => `${name}: ${problem}`));
  }
  contradicted(pattern, problems);
};

type Templates = readonly {
  readonly index_template: {
    readonly index_patterns: readonly string[];
    readonly template?: { readonly mappings?: { readonly _meta?: PlainObject } };
  };
}[];

const propertiesOf = (mapping: PlainObject | undefined) => (mapping?.properties ?? {}) as Properties;

const currentMappings = async (
  connection: ElasticsearchConnection,
  index: string,
): Promise<Record<string, PlainObject> | undefined> => {
  const answer = await found(connection, `/${encodeURIComponent(index)}/_mapping`);
  if (answer === undefined) return undefined;
  const byName = answer as Record<string, { mappings: PlainObject }>;
  return Object.fromEntries(Object.entries(byName).map(([name, { mappings }]) => [name, mappings]));
};

/** The answer; undefined where there is nothing. */
const found = async (connection: ElasticsearchConnection, path: string): Promise<unknown> => {
  try {
    return (await connection.request({ method: 'GET', path })).body;
  } catch (error) {
    if (error instanceof ElasticsearchError && error.status === 404) return undefined;
    throw error;
  }
};

/** An existing index: other vectors are refused, missing fields are added, and what contradicts is told. */
const fit = async (
  connection: ElasticsearchConnection,
  { index, fields, allowMixedVectors, mappings }: IndexSettings,
  existing: Readonly<Record<string, PlainObject>>,
  wanted: PlainObject,
): Promise<void> => {
  const properties = propertiesOf(wanted.mappings as PlainObject | undefined);
  const problems: string[] = [];
  for (const [name, mapping] of Object.entries(existing)) {
    if (!allowMixedVectors) await checkVectors(connection, name, mapping, fields);
    compare(propertiesOf(mapping), properties, [], problems);
  }
  contradicted(index, problems);
  if (fields.length === 0 || (mappings !== 'auto' && Object.keys(provenance(fields)).length === 0)) return;
  await connection.request({
    method: 'PUT',
    path: `/${encodeURIComponent(index)}/_mapping`,
    body: {
      ...(mappings === 'auto' && { properties }),
      _meta: withProvenance(Object.values(existing)[0]?._meta as PlainObject | undefined, fields),
    },
  });
};

const contradicted = (place: string, problems: readonly string[]): void => {
  if (problems.length === 0) return;
  throw new SluiceError(
    'SLUICE_SINK_MAPPING',
    `the mapping does not fit what the pipeline writes:\n  ${problems.join('\n  ')}`,
    { place, hint: 'Write into a new index, or set `mappings: off` when the cluster is meant to decide.' },
  );
};

const compare = (
  have: Properties,
  want: Properties,
  path: readonly string[],
  problems: string[],
  vectorsOnly = false,
): void => {
  for (const [name, wanted] of Object.entries(want)) {
    const there = have[name];
    if (there === undefined) continue;
    const here = [...path, name].join('.');
    const type = (mapping: PlainObject) => (mapping.type as string | undefined) ?? 'object';
    if (type(there) !== type(wanted)) {
      if (!vectorsOnly || type(wanted) === 'dense_vector')
        problems.push(`[${here}] is mapped as ${type(there)}, and the pipeline writes ${type(wanted)}`);
    } else if (wanted.type === 'dense_vector') {
      if (there.dims !== undefined && wanted.dims !== undefined && there.dims !== wanted.dims)
        problems.push(`[${here}] has ${String(there.dims)} dimensions, and the model ${String(wanted.dims)}`);
      if (there.similarity !== undefined && wanted.similarity !== undefined && there.similarity !== wanted.similarity)
        problems.push(
          `[${here}] compares by ${String(there.similarity)}, and the model by ${String(wanted.similarity)}`,
        );
    }
    if (wanted.properties !== undefined)
      compare(propertiesOf(there), wanted.properties as Properties, [...path, name], problems, vectorsOnly);
  }
};
