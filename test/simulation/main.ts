import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SABOTAGE } from '../sabotage/table.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    sabotage: { type: 'string' },
    part: { type: 'boolean' },
  },
});
const FIRST = Number(values.first);
const SEEDS = Number(values.seeds);
/** Histories told in full; the rest is only counted. */
const TOLD = 5;

interface Totals {
  readonly documents: number;
  readonly faults: number;
  readonly fewest: number;
  readonly red: number;
}

/** Runs the seeds in this process. */
const part = async (): Promise<Totals> => {
  let [documents, faults, fewest, red] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const result = await simulate(seed);
    documents += result.documents;
    faults += result.faults;
    fewest = Math.min(fewest, result.faults);
    if (result.problems.length === 0) continue;
    red += 1;
    if (red <= TOLD) console.error(`seed ${seed}: ${result.problems.slice(0, 3).join('; ')}`);
  }
  return { documents, faults, fewest, red };
};

/** Runs the seeds in one process for each core. */
const whole = async (): Promise<Totals> => {
  const processes = Math.min(availableParallelism(), SEEDS);
  const size = Math.ceil(SEEDS / processes);
  const parts = await Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const first = FIRST + index * size;
      return run(first, Math.min(size, FIRST + SEEDS - first));
    }),
  );
  const sum = (of: (totals: Totals) => number) => parts.reduce((total, one) => total + of(one), 0);
  return {
    documents: sum(({ documents }) => documents),
    faults: sum(({ faults }) => faults),
    fewest: Math.min(...parts.map(({ fewest }) => fewest)),
    red: sum(({ red }) => red),
  };
};

const run = (first: number, seeds: number): Promise<Totals> =>
  new Promise((resolve, reject) => {
    const hook = new URL('../sabotage/hook.ts', import.meta.url).href;
    const child = spawn(
      process.execPath,
      ['--import', hook, fileURLToPath(import.meta.url), '--part', '--first', `${first}`, '--seeds', `${seeds}`],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...(values.sabotage !== undefined && { SLUICE_SABOTAGE: values.sabotage }) },
      },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as Totals);
      else reject(new Error(`a process of the simulation ended with ${code}`));
    });
  });

if (values.sabotage !== undefined && SABOTAGE[values.sabotage] === undefined) {
  console.error(`--sabotage is one of ${Object.keys(SABOTAGE).join(', ')}`);
  process.exitCode = 2;
} else if (values.part) console.log(JSON.stringify(await part()));
else {
  const started = performance.now();
  const { documents, faults, fewest, red } = await whole();
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${SEEDS} histories from seed ${FIRST}: ${documents} documents, ${faults} faults (${fewest} at least), ${red} red, ${(SEEDS / seconds).toFixed(0)} a second`,
  );
  process.exitCode = red === 0 ? 0 : 1;
}
