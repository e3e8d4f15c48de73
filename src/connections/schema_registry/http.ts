import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { registryUrls, type SchemaRegistryOptions } from './options.ts';

export interface RegistryAnswer {
  readonly status: number;
  /** Undefined where the answer was not JSON. */
  readonly body: unknown;
}

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const MEDIA_TYPES = 'application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json';

interface Endpoint {
  readonly base: URL;
  readonly agent: http.Agent;
  readonly headers: http.OutgoingHttpHeaders;
}

/** GET requests to a registry with several URLs: the one that answered last is asked first. */
export class RegistryHttp {
  readonly #endpoints: readonly Endpoint[];
  readonly #timeout: number;
  #current = 0;

  /** @throws SluiceError SLUICE_CONFIG_UNREADABLE for a certificate file that cannot be read */
  constructor(options: SchemaRegistryOptions) {
    const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': httpsAgent(options) };
    this.#endpoints = registryUrls(options.url).map((text) => {
      const base = new URL(text);
      return { base, agent: agents[base.protocol as 'http:'], headers: headersFor(base, options) };
    });
    this.#timeout = options.request_timeout;
  }

  /** Where the registry is, without credentials. */
  get place(): string {
    return this.#endpoints.map(({ base }) => `${base.origin}${base.pathname.replace(/\/$/, '')}`).join(', ');
  }

  /** The next request goes to another URL first: this one may lag behind. */
  rotate(): void {
    this.#current = (this.#current + 1) % this.#endpoints.length;
  }

  /** An answer below 500 of the first URL that gives one, or the last one's failure. */
  async get(path: string, signal: AbortSignal): Promise<RegistryAnswer> {
    for (let tried = 1; ; tried += 1) {
      const last = tried >= this.#endpoints.length;
      try {
        const answer = await this.#ask(this.#endpoints[this.#current]!, path, signal);
        if (answer.status < 500 || last) return answer;
      } catch (error) {
        if (last || signal.aborted) throw error;
      }
      this.rotate();
    }
  }

  #ask({ base, agent, headers }: Endpoint, path: string, stop: AbortSignal): Promise<RegistryAnswer> {
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base.origin);
    const timeout = AbortSignal.timeout(this.#timeout);
    const signal = AbortSignal.any([timeout, stop]);
    return new Promise((resolve, reject) => {
      const failed = (error: Error) =>
        reject(timeout.aborted ? new Error(`no answer within ${this.#timeout / 1000} s`, { cause: error }) : error);
      const client = url.protocol === 'https:' ? https : http;
      const request = client.request(url, { agent, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) request.destroy(new Error(`an answer larger than ${MAX_ANSWER_BYTES} bytes`));
        });
        response.on('error', failed);
        // A connection that breaks in the middle of an answer ends without [end].
        response.on('close', () => failed(new Error('the connection broke in the middle of an answer')));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: jsonOf(Buffer.concat(chunks)) }));
      });
      request.on('error', failed);
      request.end();
    });
  }
}

const jsonOf = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
};

const headersFor = (base: URL, { auth }: SchemaRegistryOptions): http.OutgoingHttpHeaders => {
  const basic = (username: string, password: string) =>
    `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers: http.OutgoingHttpHeaders = { accept: MEDIA_TYPES, 'user-agent': 'sluice' };
  if (auth !== undefined && 'bearer' in auth) headers.authorization = `Bearer ${auth.bearer}`;
  else if (auth !== undefined) headers.authorization = basic(auth.basic.username, auth.basic.password);
  else if (base.username !== '')
    headers.authorization = basic(decodeURIComponent(base.username), decodeURIComponent(base.password));
  return headers;
};

const httpsAgent = ({ tls }: SchemaRegistryOptions): https.Agent => {
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
  return new https.Agent({
    keepAlive: true,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tls?.passphrase !== undefined && { passphrase: tls.passphrase }),
    rejectUnauthorized: tls?.verify ?? true,
  });
};
