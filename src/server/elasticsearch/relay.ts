import type { Cluster } from './cluster.ts';
import type { RouteReply, RouteRequest } from './route.ts';

/** Headers of an answer that mean something to whoever asked. */
const KEPT = ['content-type', 'warning', 'www-authenticate', 'retry-after'] as const;

/**
 * Asks the cluster what a request asked, after its body was read here.
 * @param changes parameters of the query in place of the caller's; null takes one away
 * @throws Refusal 502, 504
 */
export const relay = async (
  cluster: Cluster,
  request: RouteRequest,
  changes: Readonly<Record<string, string | null>> = {},
): Promise<RouteReply & { readonly body: Buffer }> => {
  const query = new URLSearchParams(request.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  const body = request.method === 'GET' ? Buffer.alloc(0) : await request.bytes();
  const answer = await cluster.ask(request.method, `${request.path}${query.size > 0 ? `?${query}` : ''}`, {
    ...(body.length > 0 && { body }),
    headers: {
      ...cluster.credentialsOf(request.headers),
      ...(body.length > 0 && { 'content-type': request.headers['content-type'] ?? 'application/json' }),
      accept: request.headers.accept ?? 'application/json',
    },
    signal: request.signal,
  });
  const headers = KEPT.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]]));
  return { status: answer.status, body: answer.body, headers: Object.fromEntries(headers) as Record<string, string> };
};

/** A cluster without the interface, or with nothing of that name, has nothing to add to a list. */
const NOTHING: ReadonlySet<number> = new Set([400, 404, 405]);

/** A list of what is here and of what the cluster has beside it; what the cluster refuses is refused. */
export const listWithCluster = async <T extends object>(
  cluster: Cluster | undefined,
  request: RouteRequest,
  changes: Readonly<Record<string, string | null>>,
  merge: (theirs: Partial<T>) => T,
): Promise<RouteReply> => {
  if (cluster === undefined) return { status: 200, body: merge({}) };
  // An answer that is put together here has to be whole.
  const answer = await relay(cluster, request, { ...changes, filter_path: null });
  if (answer.status === 200)
    return { status: 200, body: merge(JSON.parse(answer.body.toString('utf8')) as Partial<T>) };
  return NOTHING.has(answer.status) ? { status: 200, body: merge({}) } : answer;
};
