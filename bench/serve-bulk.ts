import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planServers } from '../test/servers/plan.ts';
import { startServers } from '../test/servers/running.ts';

// The same bulk requests to a cluster directly, and through `sluice serve` with a pipeline that runs there.
const { values } = parseArgs({
  options: { documents: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '25' } },
});
const DOCUMENTS = Number(values.documents);
const BATCH = 1000;
const IN_FLIGHT = 8;
const TARGET = 0.8;

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
};

const text = 'A line of text that is as long as lines of logs are. '.repeat(17);
const body = (from: number): string =>
  Array.from(
    { length: BATCH },
    (_, n) =>
      `{"index":{"_id":"${from + n}"}}\n${JSON.stringify({ id: from + n, level: 'INFO', took: n % 97, text })}\n`,
  ).join('');

/** Documents a second. */
const load = async (cluster: string, url: string, index: string, query: string): Promise<number> => {
  const settings = { number_of_shards: 1, number_of_replicas: 0, refresh_interval: '-1' };
  const json = { 'content-type': 'application/json' };
  await fetch(`${cluster}/${index}`, { method: 'PUT', headers: json, body: JSON.stringify({ settings }) });
  let next = 0;
  const began = performance.now();
  const worker = async () => {
    while (next < DOCUMENTS) {
      const from = next;
      next += BATCH;
      const answer = await fetch(`${url}/${index}/_bulk${query}`, {
        method: 'POST',
        body: body(from),
        headers: { 'content-type': 'application/x-ndjson' },
      });
      const told = await answer.text();
      if (!told.includes('"errors":false')) throw new Error(`the bulk failed: ${told.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const seconds = (performance.now() - began) / 1000;
  await fetch(`${cluster}/${index}`, { method: 'DELETE' });
  return DOCUMENTS / seconds;
};

const quantile = (numbers: readonly number[], part: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(part * (numbers.length - 1))]!;
const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

const servers = await startServers(planServers());
const cluster = servers.env.ELASTICSEARCH_URL!;
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const sluice = spawn(
  process.execPath,
  [fileURLToPath(new URL('../bin/sluice.js', import.meta.url)), 'serve', '--port', String(port), '--cluster', cluster],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
let ratio = 0;
try {
  for (let tries = 0; ; tries += 1) {
    if (tries > 100) throw new Error('the server does not come up');
    if (
      await fetch(`${url}/_ingest/pipeline`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const processors = [
    { set: { field: 'seen', value: '{{{_ingest.timestamp}}}' } },
    { lowercase: { field: 'level' } },
    { rename: { field: 'took', target_field: 'event.duration' } },
  ];
  await fetch(`${url}/_ingest/pipeline/bench`, { method: 'PUT', body: JSON.stringify({ processors }) });
  console.log(
    `${DOCUMENTS} documents of 1 KB, ${values.rounds} rounds, ${availableParallelism()} × ${cpus()[0]?.model}`,
  );
  await load(cluster, cluster, 'warm-direct', '');
  await load(cluster, url, 'warm-through', '?pipeline=bench');
  const rounds: { direct: number; through: number; passed: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const direct = await load(cluster, cluster, `direct-${round}`, '');
    const through = await load(cluster, url, `through-${round}`, '?pipeline=bench');
    const passed = await load(cluster, url, `passed-${round}`, '?pipeline=_none');
    rounds.push({ direct, through, passed });
  }
  // Short rounds in turn: what else the machine does changes from second to second, and meets all three alike.
  const spread = (ratios: readonly number[]) =>
    `${median(ratios).toFixed(2)} (half of the rounds within ${quantile(ratios, 0.25).toFixed(2)} and ${quantile(ratios, 0.75).toFixed(2)})`;
  ratio = median(rounds.map(({ direct, through }) => through / direct));
  console.log(`direct ${median(rounds.map(({ direct }) => direct)).toFixed(0)} documents a second`);
  console.log(`through the pipeline ${spread(rounds.map(({ direct, through }) => through / direct))}`);
  console.log(`passed on without one ${spread(rounds.map(({ direct, passed }) => passed / direct))}`);
  console.log(`_bulk?pipeline= / direct  ${ratio.toFixed(3)}  ${ratio >= TARGET ? 'reached' : 'MISSED'} (${TARGET})`);
} finally {
  sluice.kill();
  await servers.stop();
}
process.exit(ratio >= TARGET ? 0 : 1);
