import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { localModel } from '../src/inference/load-local.ts';
import { readModel } from '../src/inference/manifest.ts';

// How long the bundled model takes until it can infer: the deployment in a process that runs, and `sluice serve` from its
// start to the first answer, its trial included.
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const TARGET_MS = 1000;
const root = fileURLToPath(new URL('..', import.meta.url));
const MODEL = 'minilm-l6-enrich-en';

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

const deployment = async (): Promise<number> => {
  const began = performance.now();
  const files = readModel(`${root}models/${MODEL}`, {});
  const run = {
    number_of_allocations: 1,
    threads_per_allocation: 1,
    queue_capacity: 10,
    cache_size: 0,
    timeout: 60_000,
  };
  const parts = { trial: undefined, journal: undefined, log: { info: () => {}, warn: console.error } };
  const model = localModel(files, 'bench', run, parts);
  await model.deployment.start();
  const ms = performance.now() - began;
  await model.deployment.close();
  return ms;
};

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
};

const server = async (): Promise<number> => {
  const port = await freePort();
  const began = performance.now();
  const args = [`${root}bin/sluice.js`, 'serve', '--port', String(port), '--models', MODEL];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = once(child, 'close');
  try {
    for (let tries = 0; tries < 3000; tries += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/_ml/trained_models/${MODEL}/_infer`, {
        method: 'POST',
        body: '{"docs":[{"text_field":"Rome"}],"inference_config":{"ner":{}}}',
        headers: { 'content-type': 'application/json' },
      }).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - began;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('the server does not come up');
  } finally {
    child.kill();
    await ended;
  }
};

const deployments: number[] = [];
const servers: number[] = [];
for (let round = 0; round < Number(values.rounds); round += 1) {
  deployments.push(await deployment());
  servers.push(await server());
}
console.log(`${values.rounds} rounds, ${availableParallelism()} × ${cpus()[0]?.model}`);
const own = median(deployments);
console.log(
  `deployment of ${MODEL}  ${own.toFixed(0)} ms  ${own < TARGET_MS ? 'reached' : 'MISSED'} (${TARGET_MS} ms)`,
);
console.log(`sluice serve to its first answer  ${median(servers).toFixed(0)} ms`);
process.exit(own < TARGET_MS ? 0 : 1);
