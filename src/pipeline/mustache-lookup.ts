import type { IngestDocument, MetadataField } from '../core/document.ts';
import { METADATA_FIELDS } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import { getKey, hasKey, isObject, type JsonValue } from '../core/json/values.ts';

/** The document as a template sees it: source and metadata side by side, `_source` and `_ingest` among them. */
export class Root {
  readonly document: IngestDocument;
  constructor(document: IngestDocument) {
    this.document = document;
  }
}

export type Found = JsonValue | Root | undefined;

/** The value a name leads to from a scope; undefined where it leads nowhere. A key with dots in it comes first. */
export const walk = (scope: JsonValue | Root, name: string): Found => {
  const literal = member(scope, name);
  if (literal !== undefined || !name.includes('.')) return literal;
  let at: Found = scope;
  for (const key of name.split('.')) {
    if (at === undefined) return undefined;
    at = member(at, key);
  }
  return at;
};

const member = (scope: JsonValue | Root, key: string): Found => {
  if (scope instanceof Root) return rootMember(scope, key);
  if (Array.isArray(scope)) return element(scope, key);
  return isObject(scope) && hasKey(scope, key) ? getKey(scope, key) : undefined;
};

const rootMember = (root: Root, key: string): Found => {
  const { document } = root;
  if (key.charCodeAt(0) === 0x5f) {
    if (key === '_ingest') return document.ingest;
    if (key === '_source') return root;
    if (key === document.origin?.name) return document.origin.fields;
    if (METADATA_FIELDS.includes(key as MetadataField)) return document.metadata.get(key);
  }
  return getKey(document.source, key);
};

const element = (list: readonly JsonValue[], key: string): JsonValue | undefined => {
  if (key === 'size') return list.length;
  if (!/^[+-]?\d{1,10}$/.test(key)) return undefined;
  const index = Number(key);
  if (index >= 0 && index < list.length) return list[index];
  const cause = new ProcessorError('index_out_of_bounds_exception', String(index));
  throw new ProcessorError(
    'general_script_exception',
    `Error running template: there is no element [${index}] in a list of length [${list.length}]`,
    { cause },
  );
};
