import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What happens to the next bulk requests: at most one of them to each. */
export type BulkFault =
  /** A part of the items is refused with 429, the rest is done. */
  | 'partial_429'
  /** The whole request is refused. */
  | 'whole_429'
  | 'whole_503'
  /** The cluster does it, and the connection is cut before the answer. */
  | 'lost_answer'
  /** The connection is cut before the cluster sees it. */
  | 'reset'
  /** Nothing comes back, and the connection stays. */
  | 'mute'
  /** The answer takes its time. */
  | 'slow';

const TYPE = 'application/vnd.elasticsearch+json;compatible-with=9';
const SLOW_MS = 1500;

/** A door in front of the cluster that does to bulk requests what the schedule wants. */
export class FaultyClusterProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #random: () => number;
  readonly #pending: BulkFault[] = [];
  /** Faults that met a request. */
  readonly happened: Record<string, number> = {};

  private constructor(target: string, random: () => number) {
    this.#target = new URL(target);
    this.#random = random;
    this.#server = createServer(
      (request, response) => void this.#handle(request, response).catch(() => response.destroy()),
    );
  }

  static async before(target: string, random: () => number): Promise<FaultyClusterProxy> {
    const proxy = new FaultyClusterProxy(target, random);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  inject(fault: BulkFault): void {
    this.#pending.push(fault);
  }

  /** No more faults than those under way. */
  calm(): void {
    this.#pending.length = 0;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const fault = request.url?.startsWith('/_bulk') ? this.#pending.shift() : undefined;
    if (fault !== undefined) this.happened[fault] = (this.happened[fault] ?? 0) + 1;
    switch (fault) {
      case 'reset':
        return void request.socket.resetAndDestroy();
      case 'mute':
        return;
      case 'whole_429':
      case 'whole_503':
        return this.#refuse(response, fault === 'whole_429' ? 429 : 503);
      case 'partial_429':
        return this.#partly(request, body, response);
      case 'slow':
        await sleep(SLOW_MS);
    }
    const answer = await this.#pass(request, body);
    if (fault === 'lost_answer') return void request.socket.resetAndDestroy();
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  #refuse(response: ServerResponse, status: number): void {
    response.writeHead(status, { 'content-type': TYPE, 'x-elastic-product': 'Elasticsearch' });
    response.end(JSON.stringify({ error: REJECTED, status }));
  }

  /** Takes some actions out, lets the cluster do the others, and puts the answers together in the request's order. */
  async #partly(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const lines = body.toString('utf8').trimEnd().split('\n');
    const kept: string[] = [];
    const refused: (string | undefined)[] = [];
    for (let at = 0; at < lines.length; ) {
      const name = Object.keys(JSON.parse(lines[at]!) as object)[0]!;
      const size = name === 'delete' ? 1 : 2;
      const refuse = this.#random() < 0.4;
      refused.push(refuse ? name : undefined);
      if (!refuse) kept.push(...lines.slice(at, at + size));
      at += size;
    }
    let done: unknown[] = [];
    let failed = refused.some((name) => name !== undefined);
    if (kept.length > 0) {
      const url = new URL(request.url!, this.#target);
      // The filter leaves out what is not an error, in a form that cannot be put together again.
      const answer = await this.#pass(request, Buffer.from(`${kept.join('\n')}\n`), url);
      if (answer.status !== 200) {
        response.writeHead(answer.status, answer.headers);
        return void response.end(answer.body);
      }
      const parsed = JSON.parse(answer.body.toString('utf8')) as { errors?: boolean; items: unknown[] };
      done = parsed.items;
      failed ||= parsed.errors === true;
    }
    const items = refused.map((name) =>
      name === undefined ? done.shift() : { [name]: { status: 429, error: REJECTED } },
    );
    response.writeHead(200, { 'content-type': TYPE, 'x-elastic-product': 'Elasticsearch' });
    response.end(JSON.stringify({ errors: failed, items }));
  }

  #pass(
    request: IncomingMessage,
    body: Buffer,
    url = new URL(request.url ?? '/', this.#target),
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    const { 'content-length': _, 'transfer-encoding': __, ...headers } = request.headers;
    return new Promise((resolve, reject) => {
      const passed = forward(
        url,
        {
          method: request.method ?? 'GET',
          headers: {
            ...headers,
            host: this.#target.host,
            'content-length': body.length,
            'accept-encoding': 'identity',
          },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const { 'transfer-encoding': ___, ...kept } = answer.headers;
            resolve({ status: answer.statusCode ?? 502, headers: kept, body: Buffer.concat(chunks) });
          });
        },
      );
      passed.on('error', reject);
      passed.end(body);
    });
  }
}

const REJECTED = { type: 'es_rejected_execution_exception', reason: 'rejected execution of coordinating operation' };
