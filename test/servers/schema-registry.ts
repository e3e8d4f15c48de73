import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}
interface Stored {
  readonly id: number;
  readonly guid: string;
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly Reference[];
}
interface Version {
  readonly version: number;
  readonly stored: Stored;
}

export interface TestRegistryOptions {
  /** What the authorization header must be. */
  readonly authorization?: string;
  /** PEM of a server that speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const NOT_FOUND: readonly [number, object] = [404, { error_code: 404, message: 'HTTP 404 Not Found' }];
const missing = (code: number, message: string): readonly [number, object] => [404, { error_code: code, message }];

/** A schema registry over HTTP on loopback, in memory: the part of Confluent's REST API that clients use. */
export class TestSchemaRegistry {
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];
  /** Answers every request with this status, or never. */
  trouble: number | 'hang' | 'not_json' | undefined;
  /** Ids that a lagging follower does not know yet. */
  readonly hidden = new Set<number>();
  readonly #server: http.Server;
  readonly #options: TestRegistryOptions;
  readonly #subjects = new Map<string, Version[]>();
  readonly #stored: Stored[] = [];
  #port = 0;

  private constructor(options: TestRegistryOptions) {
    this.#options = options;
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    this.#server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener);
  }

  static async start(options: TestRegistryOptions = {}): Promise<TestSchemaRegistry> {
    const registry = new TestSchemaRegistry(options);
    await registry.listen();
    return registry;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** Back on the same port after `stop`, with all it knew. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Registers as a producer does, over HTTP. */
  async register(
    subject: string,
    schema: object | string,
    more: { readonly schemaType?: string; readonly references?: readonly Reference[] } = {},
  ): Promise<{ readonly id: number; readonly guid: string }> {
    const { authorization } = this.#options;
    const response = await fetch(`${this.url}/subjects/${encodeURIComponent(subject)}/versions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/vnd.schemaregistry.v1+json',
        ...(authorization !== undefined && { authorization }),
      },
      body: JSON.stringify({ schema: typeof schema === 'string' ? schema : JSON.stringify(schema), ...more }),
    });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const { id } = (await response.json()) as { id: number };
    return { id, guid: this.#stored[id - 1]!.guid };
  }

  /** The bytes before a payload in Confluent's wire format. */
  static prefix(id: number): Buffer {
    const bytes = Buffer.alloc(5);
    bytes.writeInt32BE(id, 1);
    return bytes;
  }

  static guidHeader(guid: string): Buffer {
    return Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === 'GET') this.requests.push(request.url!);
    if (this.trouble === 'hang') return;
    if (this.trouble === 'not_json') return void response.end('<html>a proxy</html>');
    const [status, body] = this.#decide(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(body));
  }

  #decide({ method, url, headers }: IncomingMessage, body: string): readonly [number, object] {
    if (this.trouble !== undefined) return [Number(this.trouble), { error_code: 50001, message: 'told to fail' }];
    const { authorization } = this.#options;
    if (authorization !== undefined && headers.authorization !== authorization)
      return [401, { error_code: 401, message: 'Unauthorized' }];
    const path = new URL(url!, this.url).pathname.split('/').slice(1).map(decodeURIComponent);
    if (method === 'POST' && path[0] === 'subjects' && path[2] === 'versions') return this.#register(path[1]!, body);
    if (method !== 'GET') return [405, { error_code: 405, message: 'HTTP 405 Method Not Allowed' }];
    if (path[0] === 'schemas' && (path[1] === 'ids' || path[1] === 'guids')) return this.#schema(path);
    if (path[0] === 'subjects') return this.#subject(path);
    return NOT_FOUND;
  }

  #register(subject: string, body: string): readonly [number, object] {
    const { schema, schemaType = 'AVRO', references = [] } = JSON.parse(body) as Partial<Stored> & { schema: string };
    const versions = this.#subjects.get(subject) ?? [];
    this.#subjects.set(subject, versions);
    const text = JSON.stringify([schema, schemaType, references]);
    const hex = createHash('md5').update(text).digest('hex');
    const guid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    let stored = this.#stored.find((known) => known.guid === guid);
    if (stored === undefined) {
      stored = { id: this.#stored.length + 1, guid, schema, schemaType, references };
      this.#stored.push(stored);
    }
    if (!versions.some((version) => version.stored === stored)) versions.push({ version: versions.length + 1, stored });
    return [200, { id: stored.id }];
  }

  #schema([, by, name, more]: readonly string[]): readonly [number, object] {
    // As JAX-RS: what is not an int is no such path.
    if (by === 'ids' && (!/^-?\d+$/.test(name!) || Number(name) !== (Number(name) | 0))) return NOT_FOUND;
    const stored = this.#stored.find(({ id, guid }) => (by === 'ids' ? String(id) : guid) === name);
    if (stored === undefined || this.hidden.has(stored.id)) return missing(40403, `Schema ${name} not found`);
    if (more === undefined) return [200, answerOf(stored)];
    if (more !== 'versions') return NOT_FOUND;
    const uses = [...this.#subjects].flatMap(([subject, versions]) =>
      versions.filter((version) => version.stored === stored).map(({ version }) => ({ subject, version })),
    );
    return [200, uses];
  }

  #subject([, subject, , version]: readonly string[]): readonly [number, object] {
    if (subject === undefined) return [200, [...this.#subjects.keys()]];
    const versions = this.#subjects.get(subject);
    if (versions === undefined) return missing(40401, `Subject '${subject}' not found.`);
    if (version === undefined) return [200, versions.map((known) => known.version)];
    const found = version === 'latest' ? versions.at(-1) : versions.find((known) => String(known.version) === version);
    if (found === undefined || this.hidden.has(found.stored.id)) return missing(40402, `Version ${version} not found.`);
    return [200, { subject, version: found.version, id: found.stored.id, ...answerOf(found.stored) }];
  }
}

/** Confluent's registry leaves out what is the default. */
const answerOf = ({ guid, schema, schemaType, references }: Stored): object => ({
  schema,
  guid,
  ...(schemaType !== 'AVRO' && { schemaType }),
  ...(references.length > 0 && { references }),
});
