import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import { Client, type ClientOptions, errors } from '@elastic/elasticsearch';
import { type Clock, sleep } from '../../core/clock.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json/values.ts';
import { connectionMistakes, type ElasticsearchConnectionOptions } from './options.ts';
import { pinnedConnector } from './pinned-authority.ts';

export interface ElasticsearchRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: JsonObject | string;
  /** Newline-delimited JSON, written by the caller. */
  readonly bulk?: Buffer | string;
  readonly signal?: AbortSignal;
  readonly timeout_ms?: number;
  /** The answer's body as bytes: parsed, numbers beyond a double would lose their digits. */
  readonly exact?: boolean;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
}

export interface ElasticsearchAnswer {
  readonly status: number;
  readonly body: unknown;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The cluster answered with an error. The message is Elasticsearch's own. */
export class ElasticsearchError extends Error {
  override name = 'ElasticsearchError';
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, reason: string) {
    super(reason);
    this.status = status;
    this.type = type;
  }
}

/**
 * The official client with sluice's manners: no retries of its own, and the API version that the cluster takes. A 9.x
 * client names version 9 in its headers and an 8.x cluster refuses that, so the first such refusal switches to 8.
 */
export class ElasticsearchConnection {
  readonly #client: Client;
  readonly #options: ElasticsearchConnectionOptions;
  #compatible: 8 | 9 = 9;

  constructor(options: ElasticsearchConnectionOptions) {
    const [mistake] = connectionMistakes(options);
    if (mistake !== undefined)
      throw new SluiceError('SLUICE_CONFIG_INVALID', mistake.message, { place: mistake.path.join('.') });
    this.#options = options;
    this.#client = new Client(clientOptions(options));
  }

  get version(): 8 | 9 {
    return this.#compatible;
  }

  /**
   * @throws ElasticsearchError when the cluster refuses; the transport's own errors when it cannot be reached
   */
  async request(request: ElasticsearchRequest): Promise<ElasticsearchAnswer> {
    try {
      return await this.#send(request);
    } catch (error) {
      if (
        this.#compatible === 9 &&
        error instanceof ElasticsearchError &&
        error.type === 'media_type_header_exception'
      ) {
        this.#compatible = 8;
        return this.#send(request);
      }
      throw error;
    }
  }

  async #send({
    method,
    path,
    query,
    body,
    bulk,
    signal,
    timeout_ms,
    exact,
    traceparent,
  }: ElasticsearchRequest): Promise<ElasticsearchAnswer> {
    const vendored = (kind: string) => `application/vnd.elasticsearch+${kind}; compatible-with=${this.#compatible}`;
    const headers: Record<string, string> = { accept: vendored('json') };
    if (bulk !== undefined) headers['content-type'] = vendored('x-ndjson');
    else if (body !== undefined) headers['content-type'] = vendored('json');
    if (traceparent !== undefined) headers.traceparent = traceparent;
    const own = ownSignal(signal);
    try {
      const {
        statusCode,
        body: received,
        headers: told,
      } = await this.#client.transport.request(
        {
          method,
          path,
          ...(query && { querystring: { ...query } }),
          ...(body !== undefined && { body: body as string }),
          ...(bulk !== undefined && { bulkBody: bulk as string }),
        },
        {
          headers,
          meta: true,
          maxRetries: 0,
          ignore: REFUSALS,
          requestTimeout: timeout_ms ?? this.#options.request_timeout,
          signal: own.signal,
          ...(exact && { asStream: true }),
        },
      );
      const answer = exact ? await readAnswer(received as Readable, (statusCode ?? 0) >= 400) : received;
      if (statusCode !== undefined && statusCode >= 400) throw refusal(statusCode, answer);
      return { status: statusCode ?? 0, body: answer, headers: told ?? {} };
    } catch (error) {
      throw error instanceof errors.ResponseError ? refusal(error.statusCode ?? 0, error.body) : withoutBody(error);
    } finally {
      own.release();
    }
  }

  /** Waits until the cluster answers. @throws SluiceError SLUICE_SINK_UNREACHABLE, SLUICE_SINK_AUTH */
  async ready(clock: Clock): Promise<void> {
    const end = clock.monotonic() + this.#options.connect_timeout;
    for (;;) {
      try {
        await this.request({
          method: 'GET',
          path: '/_cluster/health',
          query: { filter_path: 'status' },
          timeout_ms: Math.min(10_000, this.#options.connect_timeout),
        });
        return;
      } catch (error) {
        if (error instanceof ElasticsearchError) {
          if (error.status === 401) throw this.#refused(error);
          // Whoever may only write to its index may not ask for the cluster's health; that the cluster says so is enough.
          if (error.status < 500) return;
        }
        if (error instanceof errors.ProductNotSupportedError)
          throw new SluiceError('SLUICE_SINK_UNSUPPORTED', 'the server is not Elasticsearch', {
            place: this.place,
            cause: error,
          });
        if (clock.monotonic() >= end) {
          throw new SluiceError(
            'SLUICE_SINK_UNREACHABLE',
            `Elasticsearch did not answer within ${this.#options.connect_timeout / 1000} s: ${messageOf(error)}`,
            {
              place: this.place,
              hint: 'Check nodes, the network and TLS; connect_timeout sets how long the start waits.',
              cause: error,
            },
          );
        }
        await sleep(clock, 500);
      }
    }
  }

  #refused(error: ElasticsearchError): SluiceError {
    return new SluiceError('SLUICE_SINK_AUTH', `Elasticsearch refused the credentials: ${error.message}`, {
      place: this.place,
      hint: 'Check auth: api_key, basic or bearer.',
      cause: error,
    });
  }

  /** Where the cluster is, without credentials. */
  get place(): string {
    const { nodes, cloud_id } = this.#options;
    if (cloud_id !== undefined) return `cloud_id ${cloud_id.split(':')[0]}`;
    return [nodes ?? 'http://localhost:9200'].flat().map(withoutCredentials).join(', ');
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

const readAnswer = async (stream: Readable, refused: boolean): Promise<unknown> => {
  const bytes = await buffer(stream);
  if (!refused) return bytes;
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
};

/**
 * A signal for one request alone. When a request's time is up, the transport dispatches `abort` on the signal that it was
 * given: on a shared one, every other request and every wait that listens to it would end too.
 */
const ownSignal = (shared: AbortSignal | undefined): { signal: AbortSignal; release: () => void } => {
  const own = new AbortController();
  const abort = () => own.abort(shared?.reason);
  if (shared?.aborted) abort();
  shared?.addEventListener('abort', abort, { once: true });
  return { signal: own.signal, release: () => shared?.removeEventListener('abort', abort) };
};

const withoutCredentials = (node: string): string => node.replace(/\/\/[^@/]*@/, '//');

/** Answers that the client hands over as they are: in its own errors the body is redacted, and the reason with it. */
const REFUSALS = Array.from({ length: 200 }, (_, index) => 400 + index).filter(
  // At these it looks for another node.
  (status) => status !== 502 && status !== 503 && status !== 504,
);

const refusal = (status: number, body: unknown): ElasticsearchError => {
  const cause = (body as { error?: { type?: string; reason?: string } | string } | undefined)?.error;
  if (typeof cause === 'object' && cause !== null)
    return new ElasticsearchError(status, cause.type ?? 'exception', cause.reason ?? 'no reason given');
  return new ElasticsearchError(status, 'http_error', typeof cause === 'string' ? cause : `HTTP status ${status}`);
};

/** Document contents must not appear in errors that somebody logs. */
const withoutBody = (error: unknown): unknown => {
  const { params } = (error as { meta?: { meta?: { request?: { params?: object } } } }).meta?.meta?.request ?? {};
  if (params !== undefined) Object.assign(params, { body: undefined, bulkBody: undefined, querystring: undefined });
  return error;
};

const clientOptions = ({ nodes, cloud_id, auth, tls, compression }: ElasticsearchConnectionOptions): ClientOptions => {
  const read = (path: string | undefined) => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the certificate file cannot be read: ${messageOf(error)}`, {
        place: path,
      });
    }
  };
  const [ca, cert, key] = [read(tls?.ca), read(tls?.certificate), read(tls?.key)];
  return {
    ...(cloud_id === undefined ? { nodes: [nodes ?? 'http://localhost:9200'].flat() } : { cloud: { id: cloud_id } }),
    ...(auth && {
      auth: 'api_key' in auth ? { apiKey: auth.api_key } : 'basic' in auth ? auth.basic : { bearer: auth.bearer },
    }),
    ...(tls && certified(tls, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })),
    compression,
    maxRetries: 0,
    name: 'sluice',
    // For the headers. `replace` would take the body out too, but walks through it byte by byte before it does: seconds
    // in which nothing else runs.
    redaction: { type: 'remove' },
  } as ClientOptions;
};

type Tls = NonNullable<ElasticsearchConnectionOptions['tls']>;

const certified = (
  { ca_fingerprint, passphrase, verify }: Tls,
  files: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>,
): Pick<ClientOptions, 'tls' | 'agent' | 'caFingerprint'> => {
  const tls = { ...files, ...(passphrase && { passphrase }) };
  // The client's own check of a fingerprint takes a certificate that only names the authority, unsigned, wherever Node is
  // not told to judge the chain; and without the authority's certificate Node cannot.
  if (ca_fingerprint !== undefined && files.ca === undefined && verify)
    return { agent: { connect: pinnedConnector(ca_fingerprint, tls) } } as Pick<ClientOptions, 'agent'>;
  return { tls: { ...tls, rejectUnauthorized: verify }, ...(ca_fingerprint && { caFingerprint: ca_fingerprint }) };
};
