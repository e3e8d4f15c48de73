import type { IngestDocument } from '../../core/document.ts';
import { writeJson } from '../../core/json/write.ts';
import { Refusal } from '../../core/refusal.ts';
import type { ExecutionResult } from '../../pipeline/execution.ts';
import { type BulkItem, readBulk } from './bulk-body.ts';
import type { Cluster } from './cluster.ts';
import type { InFlightBytes } from './in-flight-bytes.ts';
import { ingestDocument, META_FIELDS, metaOf } from './ingest-document.ts';
import type { RunnablePipeline } from './ingest-pipelines.ts';
import { droppedItem, failedItem, failureOf } from './item-results.ts';
import { OutgoingBulk } from './outgoing-bulk.ts';
import type { Route, RouteReply, RouteRequest } from './route.ts';
import { runEach } from './run-documents.ts';
import type { WritePipelines } from './write-pipelines.ts';

export interface WriteParts {
  readonly cluster: Cluster;
  readonly pipelines: WritePipelines;
  readonly bytes: InFlightBytes;
}

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
    const outgoing = new OutgoingBulk(items, body.length);
    await runItems(items, outgoing, pipelines, request, credentials);
    const ingest_took = Math.round(performance.now() - began);
    return await forward(cluster, request, outgoing, credentials, ingest_took);
  } finally {
    release();
  }
};

const runItems = async (
  items: readonly BulkItem[],
  outgoing: OutgoingBulk,
  pipelines: WritePipelines,
  { params, query, signal }: RouteRequest,
  credentials: Readonly<Record<string, string>>,
): Promise<void> => {
  /** Places of the items that run here, and what each runs through. */
  const places: number[] = [];
  const through: RunnablePipeline[] = [];
  const requested = query.get('pipeline') ?? undefined;
  // Asked once a request: most documents of one go to few indices.
  const known = new Map<string, RunnablePipeline | undefined>();
  for (let at = 0; at < items.length; at += 1) {
    const { action, meta, source } = items[at]!;
    if (source === undefined || action === 'update') continue;
    const index = textOf(meta._index) ?? params.index;
    const asked = textOf(meta.pipeline) ?? requested;
    const key = asked === undefined ? `default ${index}` : `named ${asked}`;
    if (!known.has(key)) known.set(key, await pipelines.of(index, asked, credentials));
    const pipeline = known.get(key);
    if (pipeline === undefined) continue;
    places.push(at);
    through.push(pipeline);
  }
  await runEach(
    {
      count: places.length,
      open: (run) => {
        const { action, meta, source } = items[places[run]!]!;
        const index = textOf(meta._index) ?? params.index;
        const known = index === undefined ? meta : { ...meta, _index: index };
        try {
          return { document: ingestDocument(source!, known), pipeline: through[run]! };
        } catch (error) {
          outgoing.decide(places[run]!, failedItem(action, known, error));
          return undefined;
        }
      },
      ended: (run, result, document) =>
        settle(outgoing, places[run]!, items[places[run]!]!, document, result, params.index),
    },
    signal,
  );
};

const settle = (
  outgoing: OutgoingBulk,
  place: number,
  { action, meta }: BulkItem,
  document: IngestDocument,
  result: ExecutionResult,
  defaultIndex: string | undefined,
): void => {
  if (result.outcome === 'dropped') return outgoing.decide(place, droppedItem(action, metaOf(document)));
  if (result.outcome === 'failed')
    return outgoing.decide(place, failedItem(action, metaOf(document), failureOf(result.failure)));
  let head = `{"${action}":{"pipeline":"_none"`;
  for (const key in meta) if (!OF_DOCUMENT.has(key)) head += `,${JSON.stringify(key)}:${JSON.stringify(meta[key])}`;
  for (const [name, field] of META_FIELDS) {
    const value = document.meta(field);
    // The default index of the path is not repeated in every line.
    if (value === undefined || value === null || (name === '_index' && value === defaultIndex)) continue;
    head += `,"${name}":${typeof value === 'string' ? JSON.stringify(value) : writeJson(value)}`;
  }
  outgoing.write(place, `${head}}}\n`, document.toLine());
};

/** What the document itself knows better after its pipeline. */
const OF_DOCUMENT: ReadonlySet<string> = new Set([...META_FIELDS.map(([name]) => name), '_routing', 'pipeline']);

const forward = async (
  cluster: Cluster,
  request: RouteRequest,
  outgoing: OutgoingBulk,
  credentials: Readonly<Record<string, string>>,
  ingest_took: number,
): Promise<RouteReply> => {
  const { decided, own } = outgoing;
  if (own === decided.length)
    return { status: 200, body: { errors: hasErrors(decided), took: 0, ingest_took, items: itemsOf(decided, []) } };
  const query = new URLSearchParams(request.query);
  // An answer that is put together here has to be whole.
  if (own > 0) query.delete('filter_path');
  const answer = await cluster.ask('POST', `${request.path}${query.size > 0 ? `?${query}` : ''}`, {
    body: outgoing.body(),
    headers: { ...credentials, ...types(request), accept: request.headers.accept ?? 'application/json' },
    signal: request.signal,
  });
  const headers = { 'content-type': String(answer.headers['content-type'] ?? 'application/json') };
  if (own === 0 || answer.status !== 200) return { status: answer.status, body: answer.body, headers };
  const told = JSON.parse(answer.body.toString('utf8')) as { took: number; errors: boolean; items: object[] };
  return {
    status: 200,
    body: {
      errors: told.errors || hasErrors(decided),
      took: told.took,
      ingest_took,
      items: itemsOf(decided, told.items),
    },
  };
};

/** In the order of the request: what the cluster said, and what was decided here. @throws Refusal 502 */
const itemsOf = (decided: readonly (object | undefined)[], told: readonly object[]): object[] => {
  let next = 0;
  const items = Array.from(decided, (item) => item ?? told[next++]);
  if (next !== told.length || items.includes(undefined))
    throw new Refusal(502, 'exception', `the cluster answered ${told.length} items for ${next} that it was sent`);
  return items as object[];
};

const hasErrors = (decided: readonly (object | undefined)[]): boolean =>
  decided.some((item) => item !== undefined && Object.values(item).some((one) => 'error' in (one as object)));

const types = ({ headers }: RouteRequest): Record<string, string> => ({
  'content-type': headers['content-type'] ?? 'application/x-ndjson',
});

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
