import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { IngestDocument } from '../../core/document.ts';
import { nodesModelOptions } from '../options.ts';
import { ALLOCATIONS_HEADER, PENDING_HEADER } from './api.ts';
import { ElasticsearchEngine } from './engine.ts';

/** A node of sluice as far as another worker sees it. */
class Node {
  readonly texts: string[] = [];
  pending = 0;
  allocations = 1;
  /** How it answers a request, where not as it should. */
  fault: 'hang up' | 'unavailable' | undefined;
  #server!: Server;
  #port = 0;

  async start(): Promise<string> {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (this.fault === 'hang up') return request.socket.destroy();
      const headers = {
        'content-type': 'application/json',
        'x-elastic-product': 'Elasticsearch',
        [PENDING_HEADER]: String(this.pending),
        [ALLOCATIONS_HEADER]: String(this.allocations),
      };
      if (this.fault === 'unavailable')
        return response.writeHead(503, headers).end('{"error":"starting","status":503}');
      if (request.method === 'GET') return response.writeHead(200, headers).end('{"count":1,"status":"green"}');
      const { docs } = JSON.parse(Buffer.concat(chunks).toString()) as { docs: { text_field: string }[] };
      this.texts.push(...docs.map(({ text_field }) => text_field));
      const inference_results = docs.map(({ text_field }) => ({ predicted_value: text_field.toUpperCase() }));
      return response.writeHead(200, headers).end(JSON.stringify({ inference_results }));
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('a model on several nodes of sluice', () => {
  const running: { stop(): Promise<void> }[] = [];
  after(() => Promise.all(running.map((one) => one.stop())));

  const start = async (nodes: readonly Node[], options: object = {}) => {
    const urls = await Promise.all(nodes.map((node) => node.start()));
    running.push(...nodes);
    const { sluice } = nodesModelOptions.parse({
      sluice: { nodes: urls, model_id: 'm', connect_timeout: '1s', max_in_flight: 1, ...options },
    });
    const engine = new ElasticsearchEngine({
      lanes: urls.map((url) => ({ ...sluice, nodes: url })),
      clock: systemClock,
      random: () => 0,
      log: { info() {}, warn() {} },
    });
    running.push({ stop: () => engine.close() });
    await engine.start();
    return engine;
  };
  const inferAll = (engine: ElasticsearchEngine, texts: readonly string[]) => {
    const step = engine.bind(undefined);
    return Promise.all(
      texts.map(
        (text) =>
          new Promise<unknown>((resolve, reject) => {
            step.infer(new IngestDocument({ source: {} }), text, (fault, result) =>
              fault === undefined ? resolve(result?.predicted_value) : reject(fault),
            );
          }),
      ),
    );
  };
  const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);
  const upper = (count: number) => texts(count).map((text) => text.toUpperCase());

  test('each gets its share, and one with much before a new text gets less', async () => {
    const [idle, busy] = [new Node(), new Node()];
    busy.pending = 500;
    const engine = await start([idle, busy], { max_in_flight: 4 });
    // One after the other: each text goes to the node with the least before it.
    for (const text of texts(30)) await inferAll(engine, [text]);
    assert.ok(busy.texts.length <= 1, `${busy.texts.length}`);
    assert.equal(idle.texts.length + busy.texts.length, 30);
    idle.pending = 2000;
    for (const text of texts(10)) await inferAll(engine, [text]);
    assert.ok(busy.texts.length >= 8, 'it follows what they say');
  });

  test('one that breaks down in the middle loses nothing, and comes back', async () => {
    const [first, second] = [new Node(), new Node()];
    const engine = await start([first, second]);
    assert.deepEqual(await inferAll(engine, texts(40)), upper(40));
    assert.ok(first.texts.length > 0 && second.texts.length > 0);
    first.fault = 'hang up';
    assert.deepEqual(await inferAll(engine, texts(100)), upper(100));
    first.fault = 'unavailable';
    assert.deepEqual(await inferAll(engine, texts(50)), upper(50));
    first.fault = undefined;
    const before = first.texts.length;
    for (let round = 0; first.texts.length === before; round += 1) {
      assert.ok(round < 5000, 'it is never asked again');
      assert.deepEqual(await inferAll(engine, texts(10)), upper(10));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });

  test('a start needs one of them only; the others join when they can', async () => {
    const [late, there] = [new Node(), new Node()];
    late.fault = 'hang up';
    const engine = await start([late, there]);
    assert.deepEqual(await inferAll(engine, texts(20)), upper(20));
    assert.equal(late.texts.length, 0);
    late.fault = undefined;
    for (let round = 0; late.texts.length === 0; round += 1) {
      assert.ok(round < 5000, 'it never joins');
      await inferAll(engine, texts(10));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
});
