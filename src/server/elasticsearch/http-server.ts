import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { SluiceError } from '../../core/errors.ts';
import { Refusal } from '../../core/refusal.ts';
import { type ApiKey, mayEnter } from './api-keys.ts';
import type { Cluster } from './cluster.ts';
import { errorAnswer, errorBody } from './error-body.ts';
import { filterPath } from './filter-path.ts';
import { parseObject, readBody } from './request-body.ts';
import type { Route, RouteReply, RouteRequest } from './route.ts';
import { Router } from './router.ts';
import { RequestCounts } from './serve-metrics.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer | undefined } | undefined;
  /** Who may enter; everybody where it is absent. */
  readonly apiKeys?: readonly ApiKey[] | undefined;
  /** Bytes of a request's body at most. */
  readonly maxContentLength: number;
  readonly routes: readonly Route[];
  readonly cluster: Cluster | undefined;
  readonly log: { warn(message: string, fields?: object): void };
}

/** Every route takes these. */
const COMMON = ['pretty', 'human', 'error_trace', 'filter_path', 'format'];
/** Until a request's headers, and the whole request, are there. */
const HEADERS_MS = 30_000;
const REQUEST_MS = 300_000;

/** An HTTP server that speaks as Elasticsearch does. */
export class HttpServer {
  readonly #options: ServeOptions;
  readonly #router: Router;
  readonly #server: Server;
  readonly requests = new RequestCounts();
  #idle: (() => void) | undefined;
  #closing = false;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    const { tls } = options;
    const listen = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server =
      tls === undefined
        ? createServer(listen)
        : createTlsServer({ ...tls, ...(tls.ca && { requestCert: true, rejectUnauthorized: true }) }, listen);
    this.#server.headersTimeout = HEADERS_MS;
    this.#server.requestTimeout = REQUEST_MS;
    this.#server.maxHeadersCount = 200;
  }

  /** @throws SluiceError SLUICE_USAGE where the address cannot be had */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new SluiceError('SLUICE_USAGE', `cannot listen on ${host}:${port}: ${error.code}`, {
            hint: 'Name another --port, or end the process that has this one.',
            cause: error,
          }),
        ),
      );
      this.#server.listen({ host, port }, resolve);
    });
    const address = this.#server.address();
    return { host, port: typeof address === 'object' && address !== null ? address.port : port };
  }

  /** Takes no more connections; resolves once what runs has been answered, or the time is up. */
  async close(ms: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    if (this.requests.running > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([idle, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
      clearTimeout(timer);
    }
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { requests } = this;
    const began = performance.now();
    let route = 'none';
    requests.running += 1;
    response.once('close', () => {
      requests.running -= 1;
      // A caller that went away before the answer has none.
      requests.add(route, response.headersSent ? response.statusCode : 499, performance.now() - began);
      if (requests.running === 0) this.#idle?.();
    });
    // `//` and the like are paths, and no hosts.
    const url = URL.parse(`http://localhost${request.url?.startsWith('/') === true ? request.url : '/'}`);
    if (url === null) return void response.writeHead(400, { connection: 'close' }).end();
    try {
      if (this.#closing) response.setHeader('connection', 'close');
      const { apiKeys, cluster } = this.#options;
      if (apiKeys !== undefined && !mayEnter(request, apiKeys)) return this.#unauthorized(request, response, url);
      const found = this.#router.find(request.method ?? 'GET', url.pathname);
      const match = found !== undefined && 'route' in found ? found : undefined;
      if (match !== undefined) route = match.route.path;
      const reply = match && (await this.#answer(match, request, response, url));
      if (reply !== undefined) return this.#send(request, response, url, reply);
      if (cluster !== undefined) {
        route = 'cluster';
        return await cluster.pass(request, response);
      }
      if (found !== undefined && 'allow' in found) return this.#notAllowed(request, response, url, found.allow);
      this.#send(request, response, url, {
        status: 400,
        body: {
          error: `no handler found for uri [${url.pathname}] and method [${request.method}]; there is no cluster behind this server`,
        },
      });
    } catch (error) {
      this.#fail(request, response, url, error);
    }
  }

  async #answer(
    { route, params }: { readonly route: Route; readonly params: Readonly<Record<string, string>> },
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<RouteReply | undefined> {
    if (route.query !== null) refuseUnknown(url, [...COMMON, ...route.query]);
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the caller went away'));
    });
    let bytes: Promise<Buffer> | undefined;
    const body = () => (bytes ??= readBody(request, this.#options.maxContentLength));
    const routed: RouteRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      params,
      query: url.searchParams,
      headers: request.headers,
      signal: gone.signal,
      bytes: body,
      json: async () => parseObject(await body()),
    };
    return route.handle(routed);
  }

  #fail(request: IncomingMessage, response: ServerResponse, url: URL, error: unknown): void {
    const answer = errorAnswer(error);
    if (answer.status === 500)
      this.#options.log.warn('a request failed for a reason of its own', {
        method: request.method,
        path: url.pathname,
        error: (error as Error)?.stack?.split('\n').slice(0, 4).join(' | '),
      });
    // What has begun cannot be taken back: a cut connection says that it is not whole.
    if (response.headersSent) return void response.destroy();
    this.#send(request, response, url, answer);
  }

  #unauthorized(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const missing = request.headers.authorization === undefined;
    const reason = missing
      ? `missing authentication credentials for REST request [${url.pathname}]`
      : `unable to authenticate with provided credentials for REST request [${url.pathname}]`;
    this.#send(request, response, url, {
      status: 401,
      body: errorBody(401, 'security_exception', reason),
      headers: { 'www-authenticate': 'ApiKey' },
    });
  }

  #notAllowed(request: IncomingMessage, response: ServerResponse, url: URL, allow: readonly string[]): void {
    this.#send(request, response, url, {
      status: 405,
      body: {
        error: `Incorrect HTTP method for uri [${url.pathname}] and method [${request.method}], allowed: [${allow.join(', ')}]`,
        status: 405,
      },
      headers: { allow: allow.join(', ') },
    });
  }

  #send(request: IncomingMessage, response: ServerResponse, url: URL, { status, body, headers }: RouteReply): void {
    const { searchParams } = url;
    const patterns = searchParams.get('filter_path');
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
    const shown = isJson && patterns !== null ? filterPath(body, patterns.split(',')) : body;
    const pretty = searchParams.has('pretty') && searchParams.get('pretty') !== 'false';
    const text = isJson ? `${JSON.stringify(shown, undefined, pretty ? 2 : undefined)}${pretty ? '\n' : ''}` : body;
    const bytes = Buffer.isBuffer(text) ? text : Buffer.from((text as string | undefined) ?? '');
    // A body that nobody read would stay before the next request of the connection.
    if (!request.complete) {
      request.resume();
      response.setHeader('connection', 'close');
    }
    response.writeHead(status, {
      'x-elastic-product': 'Elasticsearch',
      'content-type': contentType(request, isJson),
      'content-length': String(bytes.length),
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }
}

/** The media type that was asked for, with its version, where it is one of Elasticsearch's own. */
const contentType = (request: IncomingMessage, isJson: boolean): string => {
  if (!isJson) return 'text/plain; charset=UTF-8';
  const vendored = /application\/vnd\.elasticsearch\+json\s*;\s*compatible-with=([89])/.exec(
    request.headers.accept ?? '',
  );
  return vendored === null ? 'application/json' : `application/vnd.elasticsearch+json;compatible-with=${vendored[1]}`;
};

const refuseUnknown = ({ pathname, searchParams }: URL, known: readonly string[]): void => {
  const unknown = [...new Set(searchParams.keys())].filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new Refusal(
    400,
    'illegal_argument_exception',
    `request [${pathname}] contains unrecognized parameter${unknown.length > 1 ? 's' : ''}: ${unknown.map((name) => `[${name}]`).join(', ')}`,
  );
};
