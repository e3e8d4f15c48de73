import { writeJson } from '../../core/json/write.ts';
import { Refusal } from '../../core/refusal.ts';
import type { ExecutionResult } from '../../pipeline/execution.ts';
import { type BulkItem, readBulk } from './bulk-body.ts';
import type { Cluster } from './cluster.ts';
import type { InFlightBytes } from './in-flight-bytes.ts';
import { ingestDocument, META_FIELDS, metaOf } from './ingest-document.ts';
import type { RunnablePipeline } from './ingest-pipelines.ts';
import { droppedItem, failedItem, failureOf } from './item-results.ts';
import type { Route, RouteReply, RouteRequest } from './route.ts';
import { type DocumentRun, runDocuments } from './run-documents.ts';
import type { WritePipelines } from './write-pipelines.ts';

export interface WriteParts {
  readonly cluster: Cluster;
  readonly pipelines: WritePipelines;
  readonly bytes: InFlightBytes;
}

/** What is sent on for an item, or what became of it here. */
type Outcome =
  | { readonly head: string; readonly line: Uint8Array | string }
  | { readonly raw: Buffer }
  | { readonly item: object };

/** `_bulk`: documents with a pipeline that the server holds run through it here, and all go on to the cluster. */
export const bulkRoutes = (parts: WriteParts): Route[] => {
  const route = (method: 'POST' | 'PUT', path: string): Route => ({
    method,
    path,
    query: null,
    // Nothing to do here: the cluster gets it as it comes, unread.
    handle: (request) => (parts.pipelines.none ? undefined : bulk(parts, request)),
  });
  return ['/_bulk', '/{index}/_bulk'].flatMap((path) => [route('POST', path), route('PUT', path)]);
};

const bulk = async ({ cluster, pipelines, bytes }: WriteParts, request: RouteRequest): Promise<RouteReply> => {
  const body = await request.bytes();
  const release = bytes.take(body.length);
  try {
    const items = readBulk(body);
    const credentials = cluster.credentialsOf(request.headers);
    const began = performance.now();
    const outcomes = await runItems(items, pipelines, request, credentials);
    const ingest_took = Math.round(performance.now() - began);
    return await forward(cluster, request, outcomes, credentials, ingest_took);
  } finally {
    release();
  }
};

const runItems = async (
  items: readonly BulkItem[],
  pipelines: WritePipelines,
  { params, query, signal }: RouteRequest,
  credentials: Readonly<Record<string, string>>,
): Promise<Outcome[]> => {
  const outcomes: Outcome[] = items.map(({ raw }) => ({ raw }));
  const places: number[] = [];
  const runs: DocumentRun[] = [];
  const requested = query.get('pipeline') ?? undefined;
  // Asked once a request: most documents of one go to few indices.
  const known = new Map<string, RunnablePipeline | undefined>();
  for (const [at, { action, meta, source }] of items.entries()) {
    if (source === undefined || action === 'update') continue;
    const index = textOf(meta._index) ?? params.index;
    const asked = textOf(meta.pipeline) ?? requested;
    const key = asked === undefined ? `default ${index}` : `named ${asked}`;
    if (!known.has(key)) known.set(key, await pipelines.of(index, asked, credentials));
    const pipeline = known.get(key);
    if (pipeline === undefined) continue;
    try {
      const document = ingestDocument(source, { ...(index !== undefined && { _index: index }), ...meta });
      runs.push({ document, pipeline });
      places.push(at);
    } catch (error) {
      outcomes[at] = { item: failedItem(action, { ...meta, _index: index }, error) };
    }
  }
  const results = await runDocuments(runs, signal);
  results.forEach((result, at) => {
    const place = places[at]!;
    outcomes[place] = outcomeOf(items[place]!, runs[at]!, result, params.index);
  });
  return outcomes;
};

const outcomeOf = (
  { action, meta }: BulkItem,
  { document }: DocumentRun,
  result: ExecutionResult,
  defaultIndex: string | undefined,
): Outcome => {
  if (result.outcome === 'dropped') return { item: droppedItem(action, metaOf(document)) };
  if (result.outcome === 'failed') return { item: failedItem(action, metaOf(document), failureOf(result.failure)) };
  let head = `{"${action}":{"pipeline":"_none"`;
  for (const key in meta) if (!OF_DOCUMENT.has(key)) head += `,${JSON.stringify(key)}:${JSON.stringify(meta[key])}`;
  for (const [name, field] of META_FIELDS) {
    const value = document.meta(field);
    // The default index of the path is not repeated in every line.
    if (value === undefined || value === null || (name === '_index' && value === defaultIndex)) continue;
    head += `,"${name}":${typeof value === 'string' ? JSON.stringify(value) : writeJson(value)}`;
  }
  return { head: `${head}}}\n`, line: document.toLine() };
};

/** What the document itself knows better after its pipeline. */
const OF_DOCUMENT: ReadonlySet<string> = new Set([...META_FIELDS.map(([name]) => name), '_routing', 'pipeline']);

const forward = async (
  cluster: Cluster,
  request: RouteRequest,
  outcomes: readonly Outcome[],
  credentials: Readonly<Record<string, string>>,
  ingest_took: number,
): Promise<RouteReply> => {
  const own = outcomes.some((outcome) => 'item' in outcome);
  if (outcomes.every((outcome) => 'item' in outcome))
    return { status: 200, body: { errors: hasErrors(outcomes), took: 0, ingest_took, items: itemsOf(outcomes, []) } };
  const query = new URLSearchParams(request.query);
  // An answer that is put together here has to be whole.
  if (own) query.delete('filter_path');
  const body = bodyOf(outcomes);
  const answer = await cluster.ask('POST', `${request.path}${query.size > 0 ? `?${query}` : ''}`, {
    body,
    headers: { ...credentials, ...types(request), accept: request.headers.accept ?? 'application/json' },
    signal: request.signal,
  });
  const headers = { 'content-type': String(answer.headers['content-type'] ?? 'application/json') };
  if (!own || answer.status !== 200) return { status: answer.status, body: answer.body, headers };
  const told = JSON.parse(answer.body.toString('utf8')) as { took: number; errors: boolean; items: object[] };
  return {
    status: 200,
    body: {
      errors: told.errors || hasErrors(outcomes),
      took: told.took,
      ingest_took,
      items: itemsOf(outcomes, told.items),
    },
  };
};

/** What is text already becomes bytes in one go. */
const bodyOf = (outcomes: readonly Outcome[]): Buffer => {
  const parts: Uint8Array[] = [];
  let text = '';
  const push = (bytes: Uint8Array) => {
    if (text !== '') parts.push(Buffer.from(text));
    text = '';
    parts.push(bytes);
  };
  for (const outcome of outcomes) {
    if ('raw' in outcome) push(outcome.raw);
    else if ('head' in outcome) {
      text += outcome.head;
      if (typeof outcome.line === 'string') text += outcome.line;
      else push(outcome.line);
      text += '\n';
    }
  }
  if (text !== '') parts.push(Buffer.from(text));
  return Buffer.concat(parts);
};

/** In the order of the request: what the cluster said, and what was decided here. @throws Refusal 502 */
const itemsOf = (outcomes: readonly Outcome[], told: readonly object[]): object[] => {
  let next = 0;
  const items = outcomes.map((outcome) => ('item' in outcome ? outcome.item : told[next++]));
  if (next !== told.length || items.includes(undefined))
    throw new Refusal(502, 'exception', `the cluster answered ${told.length} items for ${next} that it was sent`);
  return items as object[];
};

const hasErrors = (outcomes: readonly Outcome[]): boolean =>
  outcomes.some(
    (outcome) => 'item' in outcome && Object.values(outcome.item).some((one) => 'error' in (one as object)),
  );

const types = ({ headers }: RouteRequest): Record<string, string> => ({
  'content-type': headers['content-type'] ?? 'application/x-ndjson',
});

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
