import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject } from '../../core/json/values.ts';

/** A request that a route answers. */
export interface RouteRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Parts of the path by the names of the route, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Aborted where the caller went away. */
  readonly signal: AbortSignal;
  /** The whole body, decompressed. @throws Refusal 413 */
  bytes(): Promise<Buffer>;
  /** The body as an object; undefined where there is none. @throws Refusal 400, 413 */
  json(): Promise<Record<string, unknown> | undefined>;
}

export interface RouteReply {
  readonly status: number;
  /** An object is written as JSON; a string or bytes as they are. */
  readonly body: object | string | Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What answers one method of one path. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Segments in braces are parameters: `/_ml/trained_models/{model_id}`. */
  readonly path: string;
  /** Names of the query's parameters that it knows; null where it knows them all. */
  readonly query: readonly string[] | null;
  /** Undefined: not for sluice, the cluster shall have it. */
  readonly handle: (request: RouteRequest) => Promise<RouteReply | undefined> | RouteReply | undefined;
}

export const ok = (body: object, headers?: Readonly<Record<string, string>>): RouteReply => ({
  status: 200,
  body,
  ...(headers && { headers }),
});

export type Body = JsonObject;
