import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { Refusal } from '../../core/refusal.ts';

export interface ClusterOptions {
  /** URLs; each request goes to the next one that answered last. */
  readonly nodes: readonly string[];
  /** In place of the caller's `Authorization`. */
  readonly authorization?: string | undefined;
  /** False where the caller's credentials are sluice's own and mean nothing to the cluster. */
  readonly forwardAuthorization: boolean;
  readonly tls?: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly rejectUnauthorized?: boolean;
  };
  /** Milliseconds until the cluster begins to answer. */
  readonly timeout: number;
  /** Connections at most, to each node. */
  readonly connections: number;
}

/** Between two parties only. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** How long a node that did not answer is left alone while others do. */
const REST_MS = 5000;

/** The cluster behind the server: what the server does not answer itself goes there as it came. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #agents: { readonly http: Agent; readonly https: TlsAgent };
  readonly #failedAt = new Map<string, number>();
  #turn = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const settings = { keepAlive: true, maxSockets: options.connections };
    this.#agents = { http: new Agent(settings), https: new TlsAgent({ ...settings, ...options.tls }) };
  }

  get place(): string {
    return this.#options.nodes.map((node) => node.replace(/\/\/[^@/]*@/, '//')).join(', ');
  }

  /** Streams a request there and the answer back. @throws Refusal 502, 504 where no answer began */
  async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { node, upstream } = this.#open(request.method ?? 'GET', request.url ?? '/', this.#headersOf(request));
    request.pipe(upstream);
    request.once('aborted', () => upstream.destroy());
    response.once('close', () => upstream.destroy());
    const answer = await this.#answer(node, upstream);
    const headers = { ...withoutHops(answer.rawHeaders) };
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
    answer.pipe(response);
    await new Promise<void>((resolve) => {
      answer.once('error', () => response.destroy());
      answer.once('aborted', () => response.destroy());
      response.once('close', resolve);
    });
  }

  /**
   * A request of the server's own with the caller's credentials.
   * @throws Refusal 502, 504 where there was no answer
   */
  async ask(
    method: string,
    path: string,
    {
      body,
      headers,
      signal,
    }: { readonly body?: Buffer; readonly headers: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<{ readonly status: number; readonly body: Buffer; readonly headers: IncomingMessage['headers'] }> {
    const own = { ...headers, ...(body && { 'content-length': String(body.length) }) };
    const { node, upstream } = this.#open(method, path, own);
    const abort = () => upstream.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      upstream.end(body);
      const answer = await this.#answer(node, upstream);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return { status: answer.statusCode ?? 502, body: Buffer.concat(chunks), headers: answer.headers };
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The caller's headers that a request of the server's own takes along. */
  credentialsOf(headers: IncomingMessage['headers']): Record<string, string> {
    const authorization = this.#authorization(headers.authorization);
    return authorization === undefined ? {} : { authorization };
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #authorization(callers: string | undefined): string | undefined {
    const { authorization, forwardAuthorization } = this.#options;
    return authorization ?? (forwardAuthorization ? callers : undefined);
  }

  #headersOf(request: IncomingMessage): Record<string, string | string[]> {
    const headers = withoutHops(request.rawHeaders);
    for (const name of Object.keys(headers)) if (/^(host|authorization|expect)$/i.test(name)) delete headers[name];
    const authorization = this.#authorization(request.headers.authorization);
    if (authorization !== undefined) headers.authorization = authorization;
    // A body of unknown length goes on in pieces, as it came.
    return headers;
  }

  #open(
    method: string,
    path: string,
    headers: Record<string, string | string[]>,
  ): { node: string; upstream: ClientRequest } {
    const node = this.#next();
    const base = new URL(node);
    const secure = base.protocol === 'https:';
    const credentials =
      base.username === '' ? {} : { auth: `${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}` };
    const upstream = (secure ? httpsRequest : httpRequest)({
      protocol: base.protocol,
      hostname: base.hostname,
      port: base.port || (secure ? 443 : 80),
      method,
      path: `${base.pathname.replace(/\/$/, '')}${path}`,
      headers,
      agent: secure ? this.#agents.https : this.#agents.http,
      ...(headers.authorization === undefined && credentials),
    });
    return { node, upstream };
  }

  /** In turn, those that failed a moment ago left out as long as there are others. */
  #next(): string {
    const { nodes } = this.#options;
    const now = performance.now();
    const rested = nodes.filter((node) => now - (this.#failedAt.get(node) ?? Number.NEGATIVE_INFINITY) > REST_MS);
    const among = rested.length === 0 ? nodes : rested;
    this.#turn += 1;
    return among[this.#turn % among.length]!;
  }

  #answer(node: string, upstream: ClientRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        upstream.destroy();
        reject(
          new Refusal(
            504,
            'cluster_timeout_exception',
            `the cluster did not answer within ${this.#options.timeout} ms`,
          ),
        );
      }, this.#options.timeout);
      upstream.once('response', (answer) => {
        clearTimeout(timer);
        this.#failedAt.delete(node);
        resolve(answer);
      });
      upstream.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        this.#failedAt.set(node, performance.now());
        const why = error.code ?? error.name;
        reject(new Refusal(502, 'cluster_unreachable_exception', `the cluster cannot be reached: ${why}`));
      });
    });
  }
}

/** Names and values as they came, those that are repeated as lists. */
const withoutHops = (raw: readonly string[]): Record<string, string | string[]> => {
  const named = new Set<string>(HOP_BY_HOP);
  for (let at = 0; at < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === 'connection')
      for (const name of raw[at + 1]!.split(',')) named.add(name.trim().toLowerCase());
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    if (named.has(name.toLowerCase())) continue;
    const before = headers[name];
    const value = raw[at + 1]!;
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
};
