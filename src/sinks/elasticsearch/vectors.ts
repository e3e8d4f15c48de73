import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import type { InferenceField } from './mappings.ts';

type Vectors = Record<string, PlainObject>;
type Mapping = { readonly _meta?: PlainObject; readonly properties?: Record<string, PlainObject> };

/** What `_meta.sluice.vectors` says: which model each field's vectors come from. */
export const provenance = (fields: readonly InferenceField[]): Vectors =>
  Object.fromEntries(
    embeddings(fields).map((field) => {
      const { model_id, sha256, pooling, dims } = field;
      return [keyOf(field), { model_id, sha256, pooling, dims }];
    }),
  );

const embeddings = (fields: readonly InferenceField[]) => fields.filter(({ task }) => task === 'text_embedding');
const partsOf = ({ path, results_field }: InferenceField) => [...path.split('.'), results_field].filter(Boolean);
const keyOf = (field: InferenceField) => (field.direct ? partsOf(field).join('.') : field.path);

export const vectorsOf = (meta: PlainObject | undefined): Vectors =>
  (meta?.sluice as { vectors?: Vectors } | undefined)?.vectors ?? {};

/** Somebody else's `_meta`, and vectors of other streams, stay. */
export const withProvenance = (meta: PlainObject | undefined, fields: readonly InferenceField[]): PlainObject => ({
  ...meta,
  sluice: {
    ...(meta?.sluice as PlainObject | undefined),
    vectors: { ...vectorsOf(meta), ...provenance(fields) },
  },
});

const refusal = (place: string, message: string) =>
  new SluiceError('SLUICE_SINK_MAPPING', message, {
    place,
    hint: 'Vectors of two models cannot be compared. Write into a new index, or start with --allow-mixed-vectors.',
  });

/** @throws SluiceError SLUICE_SINK_MAPPING where the vectors that are declared come from another model */
export const checkProvenance = (place: string, meta: PlainObject | undefined, fields: readonly InferenceField[]) => {
  const known = vectorsOf(meta);
  for (const [path, { sha256 }] of Object.entries(provenance(fields))) {
    const theirs = known[path];
    if (theirs === undefined || theirs.sha256 === sha256) continue;
    throw refusal(
      place,
      `the vectors in [${path}] come from the model [${String(theirs.model_id)}] (sha-256 ${String(theirs.sha256).slice(0, 12)}…), and this stream would write those of another`,
    );
  }
};

/**
 * Vectors that an index has already must be this model's; where nobody says whose they are, there must be none.
 * @throws SluiceError SLUICE_SINK_MAPPING
 */
export const checkVectors = async (
  connection: ElasticsearchConnection,
  index: string,
  mapping: Mapping,
  fields: readonly InferenceField[],
): Promise<void> => {
  checkProvenance(index, mapping._meta, fields);
  const known = vectorsOf(mapping._meta);
  const unknown = embeddings(fields).find((field) => known[keyOf(field)] === undefined && hasVector(mapping, field));
  if (unknown === undefined || (await isEmpty(connection, index))) return;
  throw refusal(
    index,
    `there are vectors in [${partsOf(unknown).join('.')}], and nothing says which model they come from: _meta.sluice is missing`,
  );
};

const hasVector = (mapping: Mapping, field: InferenceField): boolean => {
  let at: Mapping | undefined = mapping;
  for (const part of partsOf(field)) at = at?.properties?.[part] as Mapping | undefined;
  const types = [at, at?.properties?.embedding].map((found) => (found as PlainObject | undefined)?.type);
  return types.includes('dense_vector');
};

const isEmpty = async (connection: ElasticsearchConnection, index: string): Promise<boolean> => {
  try {
    const { body } = await connection.request({ method: 'GET', path: `/${encodeURIComponent(index)}/_count` });
    return (body as { count: number }).count === 0;
  } catch (error) {
    // Whoever may only write cannot show that it is empty.
    if (error instanceof ElasticsearchError && error.status === 403) return false;
    throw error;
  }
};
