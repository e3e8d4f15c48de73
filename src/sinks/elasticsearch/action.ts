import type { SourceRecord, WriteItem } from '../../core/contracts.ts';
import type { IngestDocument, MetadataField } from '../../core/document.ts';
import { illegalArgument } from '../../core/errors.ts';
import type { JsonValue, PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import type { SentAction } from './classify.ts';

/** How a stream names what it writes. Templates are rendered against the processed document. */
export interface ActionTemplates {
  readonly index: (document: IngestDocument) => string;
  /** Undefined for a document that has no id of its own. */
  readonly id: ((document: IngestDocument) => string | undefined) | undefined;
  readonly routing: ((document: IngestDocument) => string) | undefined;
  readonly version: ((document: IngestDocument) => string) | undefined;
  readonly versionType: 'external' | 'external_gte';
  readonly opType: SentAction['action'];
  readonly docAsUpsert: boolean;
  readonly retryOnConflict: number | undefined;
  readonly requireAlias: boolean | undefined;
  readonly dynamicTemplates: Readonly<Record<string, string>> | undefined;
}

/** One action of a bulk body. */
export interface BulkAction extends WriteItem, SentAction {
  /** The action line with its line break. */
  readonly head: string;
  /** The document's line without its line break; none for delete. */
  readonly line: Uint8Array | string | undefined;
  readonly index: string;
  readonly id: string;
  readonly routing: string | undefined;
  /** An earlier process, or an earlier request, may have written it. */
  mayBeThere: boolean;
  /** It was found, in whatever backing index. */
  there: boolean;
}

/** Bytes of UTF-8; a UTF-16 unit is three of them at most. */
const MAX_ID = 512;

/** @throws ProcessorError when the document cannot be addressed */
export const bulkAction = (
  document: IngestDocument,
  record: Pick<SourceRecord, 'defaultId'>,
  templates: ActionTemplates,
  mayBeThere = false,
): BulkAction => {
  const text = (key: MetadataField): string | undefined => (document.meta(key) ?? undefined) as string | undefined;
  const action = (text('_op_type') ?? templates.opType) as SentAction['action'];
  const index = text('_index') ?? templates.index(document);
  if (index === '') throw illegalArgument('the index name is empty');
  const named = text('_id') ?? templates.id?.(document);
  if (named === '') throw illegalArgument('the _id is empty');
  const ownId = named === undefined;
  if (ownId && (action === 'update' || action === 'delete'))
    throw illegalArgument(`[${action}] needs an _id: set sink.elasticsearch.id or _id`);
  const id = named ?? record.defaultId();
  if (id.length > MAX_ID / 3 && Buffer.byteLength(id) > MAX_ID)
    throw illegalArgument(`id is too long, must be no longer than ${MAX_ID} bytes but was: ${Buffer.byteLength(id)}`);
  const routing = text('_routing') ?? templates.routing?.(document);
  const line: PlainObject = {};
  if (routing !== undefined && routing !== '') line.routing = routing;
  const externalVersion = addVersion(line, document, templates, action);
  if (templates.requireAlias !== undefined) line.require_alias = templates.requireAlias;
  const dynamic = document.meta('_dynamic_templates') ?? templates.dynamicTemplates;
  if (dynamic !== undefined && action !== 'delete' && action !== 'update')
    line.dynamic_templates = dynamic as JsonValue;
  for (const key of ['if_seq_no', 'if_primary_term'] as const) {
    const value = document.meta(`_${key}`);
    if (value !== undefined && value !== null) line[key] = value;
  }
  if (action === 'update' && templates.retryOnConflict !== undefined)
    line.retry_on_conflict = templates.retryOnConflict;
  // Put together by hand: most lines hold nothing but these two, and they are written for every document.
  let head = `{"${action}":{"_index":${JSON.stringify(index)},"_id":${JSON.stringify(id)}`;
  for (const key in line) head += `,"${key}":${writeJson(line[key]!)}`;
  head += '}}\n';
  const body = bodyOf(document, action, templates.docAsUpsert);
  const bytes =
    Buffer.byteLength(head) +
    (body === undefined ? 0 : 1 + (typeof body === 'string' ? Buffer.byteLength(body) : body.length));
  return {
    action,
    ownId,
    externalVersion,
    head,
    line: body,
    bytes,
    key: ownId ? undefined : `${index}\u0000${id}`,
    index,
    id,
    routing: routing === '' ? undefined : routing,
    mayBeThere,
    there: false,
  };
};

const bodyOf = (
  document: IngestDocument,
  action: SentAction['action'],
  docAsUpsert: boolean,
): Uint8Array | string | undefined => {
  if (action === 'delete') return undefined;
  if (action !== 'update') return document.toLine();
  const line = document.toLine();
  const text =
    typeof line === 'string' ? line : Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
  return docAsUpsert ? `{"doc":${text},"doc_as_upsert":true}` : `{"doc":${text}}`;
};

const addVersion = (
  line: PlainObject,
  document: IngestDocument,
  { version, versionType }: ActionTemplates,
  action: SentAction['action'],
): boolean => {
  const own = document.meta('_version');
  const text = own !== undefined && own !== null ? String(own) : version?.(document);
  if (text === undefined) return false;
  if (action === 'update' || action === 'create')
    throw illegalArgument(`an external version does not hold with [${action}]`);
  if (!/^\d{1,18}$/.test(text)) throw illegalArgument(`the version [${text}] is not a number from 0 to 10^18`);
  Object.assign(line, { version: JSON.parse(text.replace(/^0+(?=\d)/, '')) as number });
  const number = BigInt(text);
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) line.version = number;
  line.version_type = (document.meta('_version_type') ?? versionType) as string;
  return true;
};

/** The bulk body of some actions, as one buffer. */
export const bulkBody = (actions: readonly BulkAction[]): Buffer => {
  let size = 0;
  for (const { bytes } of actions) size += bytes;
  const body = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { head, line } of actions) {
    at += body.write(head, at, 'utf8');
    if (line === undefined) continue;
    if (typeof line === 'string') at += body.write(line, at, 'utf8');
    else {
      body.set(line, at);
      at += line.length;
    }
    body[at] = 0x0a;
    at += 1;
  }
  return body;
};
