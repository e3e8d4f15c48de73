import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { IngestDocument } from '../../src/core/document.ts';
import { ElasticsearchEngine } from '../../src/inference/elasticsearch/engine.ts';
import { nodesModelOptions } from '../../src/inference/options.ts';
import { ModelStore } from '../../src/inference/store/store.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { serveSchema } from '../../src/server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../src/server/elasticsearch/server.ts';
import { runSluice } from '../support/run-sluice.ts';

const MODEL = 'minilm-l6-enrich-en';
const folder = mkdtempSync(join(tmpdir(), 'sluice-nodes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const silent = { info: () => {}, warn: () => {} };

const serve = async (port = 0) => {
  const server = new ElasticsearchServer({
    config: serveSchema.parse({ port, deployments: [{ model_id: MODEL }] }),
    store: new ModelStore(join(folder, 'models')),
    table: PROCESSORS,
    version: 'test',
    trial: undefined,
    journal: undefined,
    log: silent,
  });
  const address = await server.start();
  await server.ready();
  return { server, port: address.port, url: `http://127.0.0.1:${address.port}` };
};
const inferredBy = ({ server }: Awaited<ReturnType<typeof serve>>) =>
  server.deployments.get(MODEL)!.running!.deployment.counters.inference_count;

describe('a worker with its model on two servers of sluice', () => {
  let nodes: Awaited<ReturnType<typeof serve>>[] = [];
  before(async () => {
    nodes = [await serve(), await serve()];
  });
  after(() => Promise.all(nodes.map(({ server }) => server.close())));

  const engineOf = async () => {
    const { sluice } = nodesModelOptions.parse({ sluice: { nodes: nodes.map(({ url }) => url), model_id: MODEL } });
    const lanes = nodes.map(({ url }) => ({ ...sluice, nodes: url }));
    const engine = new ElasticsearchEngine({ lanes, clock: systemClock, random: Math.random, log: silent });
    await engine.start();
    const step = engine.bind({ ner: {} });
    const infer = (text: string) =>
      new Promise<unknown>((resolve, reject) =>
        step.infer(new IngestDocument({ source: {} }), text, (error, result) =>
          error === undefined
            ? resolve((result!.entities as { entity: string }[]).map(({ entity }) => entity))
            : reject(error),
        ),
      );
    return { engine, infer };
  };
  const texts = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => `Document ${from + at} says that Marie Curie worked in Paris.`);

  test('both of them infer, and one that is stopped in the middle loses nothing', async () => {
    const { engine, infer } = await engineOf();
    try {
      const answers = await Promise.all(texts(0, 80).map(infer));
      assert.ok(answers.every((entities) => String(entities).includes('Marie Curie,Paris')));
      assert.ok(
        nodes.every((node) => inferredBy(node) > 10),
        nodes.map(inferredBy).join(),
      );
      const under = Promise.all(texts(1000, 120).map(infer));
      const [first] = nodes as [Awaited<ReturnType<typeof serve>>];
      await first.server.close();
      assert.equal((await under).length, 120);
      // It comes back where it was.
      nodes[0] = await serve(first.port);
      for (let round = 0; inferredBy(nodes[0]!) === 0; round += 1) {
        assert.ok(round < 200, 'it is never asked again');
        await Promise.all(texts(5000 + 20 * round, 20).map(infer));
      }
    } finally {
      await engine.close();
    }
  });

  test('a model here and the same one there agree, and `models compare` says so', async () => {
    writeFileSync(join(folder, 'texts.txt'), `${texts(9000, 12).join('\n')}\n`);
    const { code, stdout, stderr } = await runSluice(
      folder,
      ...['models', 'compare', `local:${MODEL}`, `es:${MODEL}`, '--docs', 'texts.txt', '--json'],
      ...['--nodes', nodes[1]!.url],
    );
    assert.equal(code, 0, stderr);
    const tasks = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { task: string; agreement: { worst: number }[] });
    assert.deepEqual(
      tasks.map(({ task }) => task),
      ['ner', 'text_embedding'],
    );
    for (const { agreement } of tasks) for (const { worst } of agreement) assert.ok(worst > 0.99999, String(worst));
  });
});
