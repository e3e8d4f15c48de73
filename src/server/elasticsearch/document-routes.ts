import type { WriteParts } from './bulk-routes.ts';
import { ingestDocument, metaOf } from './ingest-document.ts';
import { droppedResult, failureOf } from './item-results.ts';
import { ok, type Route, type RouteReply, type RouteRequest } from './route.ts';
import { runDocuments } from './run-documents.ts';

/** Parameters of the request that are metadata of its document. */
const METADATA = ['routing', 'version', 'version_type', 'if_seq_no', 'if_primary_term'];

/** `_doc` and `_create` of one document. */
export const documentRoutes = (parts: WriteParts): Route[] => {
  const route = (method: 'POST' | 'PUT', path: string): Route => ({
    method,
    path,
    query: null,
    handle: (request) => (parts.pipelines.none ? undefined : write(parts, request)),
  });
  return [
    route('POST', '/{index}/_doc'),
    ...['/{index}/_doc/{id}', '/{index}/_create/{id}'].flatMap((path) => [route('POST', path), route('PUT', path)]),
  ];
};

const write = async ({ cluster, pipelines, bytes }: WriteParts, request: RouteRequest): Promise<RouteReply> => {
  const body = await request.bytes();
  const release = bytes.take(body.length);
  try {
    const { params, query } = request;
    const credentials = cluster.credentialsOf(request.headers);
    const pipeline = await pipelines.of(params.index, query.get('pipeline') ?? undefined, credentials);
    if (pipeline === undefined) return await send(request, request.path, query, body);
    const meta = {
      _index: params.index,
      ...(params.id !== undefined && { _id: params.id }),
      ...Object.fromEntries(
        METADATA.flatMap((name) => (query.has(name) ? [[name, numberOrText(query.get(name)!)]] : [])),
      ),
    };
    const document = ingestDocument(body, meta);
    const [result] = await runDocuments([{ document, pipeline }], request.signal);
    const after = metaOf(document);
    if (result!.outcome === 'dropped') return ok(droppedResult(after));
    if (result!.outcome === 'failed') throw failureOf(result!.failure);
    const sent = new URLSearchParams(query);
    sent.set('pipeline', '_none');
    for (const name of METADATA) {
      const value = after[name];
      if (value === undefined) sent.delete(name);
      else sent.set(name, String(value));
    }
    const line = document.toLine();
    return await send(
      request,
      pathOf(request, after),
      sent,
      typeof line === 'string' ? Buffer.from(line) : Buffer.from(line),
    );
  } finally {
    release();
  }

  async function send(from: RouteRequest, path: string, query: URLSearchParams, sent: Buffer): Promise<RouteReply> {
    const answer = await cluster.ask(from.method, `${path}${query.size > 0 ? `?${query}` : ''}`, {
      body: sent,
      headers: {
        ...cluster.credentialsOf(from.headers),
        'content-type': from.headers['content-type'] ?? 'application/json',
        accept: from.headers.accept ?? 'application/json',
      },
      signal: from.signal,
    });
    const { location } = answer.headers;
    return {
      status: answer.status,
      body: answer.body,
      headers: {
        'content-type': String(answer.headers['content-type'] ?? 'application/json'),
        ...(location !== undefined && { location }),
      },
    };
  }
};

/** The pipeline may have sent the document to another index, or named it. */
const pathOf = ({ path, params }: RouteRequest, after: Readonly<Record<string, unknown>>): string => {
  const kind = path.split('/').filter(Boolean)[1]!;
  const id = after._id === undefined ? '' : `/${encodeURIComponent(String(after._id))}`;
  return `/${encodeURIComponent(String(after._index ?? params.index))}/${kind}${id}`;
};

const numberOrText = (text: string): string | number => (/^\d{1,15}$/.test(text) ? Number(text) : text);
