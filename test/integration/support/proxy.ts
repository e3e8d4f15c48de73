import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy answers in place of the cluster. */
export interface Refusal {
  readonly status: number;
  readonly body: object;
}

/** Called for each request before it is passed on; may take its time, or answer itself. */
export type Gate = (request: IncomingMessage) => Promise<Refusal | undefined> | Refusal | undefined;

/** A door in front of a real Elasticsearch, for what the test's cluster cannot do itself: keys, slowness. */
export class ClusterProxy {
  readonly #server: Server;
  readonly #target: string;
  gate: Gate = () => undefined;
  /** Of such requests the cluster does what they say, and its answer never arrives. */
  loseAnswers: (request: IncomingMessage) => boolean = () => false;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async before(target: string, gate: Gate): Promise<ClusterProxy> {
    const proxy = new ClusterProxy(target);
    proxy.gate = gate;
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const refusal = await this.gate(request);
    if (refusal !== undefined) {
      response.writeHead(refusal.status, {
        'content-type': 'application/vnd.elasticsearch+json;compatible-with=9',
        'x-elastic-product': 'Elasticsearch',
      });
      response.end(JSON.stringify(refusal.body));
      return;
    }
    const { authorization: _, ...headers } = request.headers;
    const passed = forward(
      new URL(request.url ?? '/', this.#target),
      { method: request.method ?? 'GET', headers: { ...headers, host: new URL(this.#target).host } },
      (answer) => {
        if (this.loseAnswers(request)) {
          answer.resume();
          answer.on('end', () => response.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on('error', () => response.destroy());
    passed.end(Buffer.concat(chunks));
  }
}
