import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { planServers } from '../test/servers/plan.ts';
import { startServers } from '../test/servers/running.ts';
import { jsonRows } from './json-rows.ts';
import { barePlain, kafkaToElasticsearch, kilobyteTopic, sluicePlain } from './kafka-rows.ts';
import { limit } from './limit.ts';
import type { Servers } from './servers.ts';
import { dumpToFile } from './sluice.ts';
import { readTexts, root } from './texts.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    texts: { type: 'string' },
    json: { type: 'string' },
    'rival-models': { type: 'string' },
  },
});
const quick = values.quick === true;
const ROUNDS = quick ? 3 : 5;
const TEXTS = quick ? 500 : 2000;
const WARM_UP = 300;
const KILOBYTES = quick ? 60_000 : 200_000;

/** Short rounds on a machine that others use too scatter by that much: `--quick` only fails below this part of a target. */
const QUICK_MARGIN = 0.6;

/** Least ratios; the command fails when one is missed. */
const TARGETS = { b_a: 0.9, c_a: 0.75, b_d: 2.8, e: 0.9 } as const;

const rows = new Map<string, number[]>();
const measure = async (row: string, run: () => Promise<number>): Promise<void> => {
  const value = await run();
  rows.set(row, [...(rows.get(row) ?? []), value]);
  process.stderr.write(`  ${row.padEnd(60)} ${value.toFixed(1)}\n`);
};
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

const rival = async (folder: string, texts: readonly string[]): Promise<number> => {
  const own = mkdtempSync(join(tmpdir(), 'sluice-bench-rival-'));
  const file = join(own, 'texts.ndjson');
  writeFileSync(file, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [`${root}bench/rival.ts`, folder, file], {
      timeout: 600_000,
    });
    return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { documents_per_second: number }).documents_per_second;
  } finally {
    rmSync(own, { recursive: true });
  }
};

const A_ONE = 'a  onnxruntime-node alone, one text a run';
const A_SORTED = 'a  onnxruntime-node alone, sorted batches';
const B = 'b  sluice, dump to file, entities and vectors';
const C = 'c  sluice, Kafka to Elasticsearch, entities and vectors';
const D = 'd  @huggingface/transformers, two models';
const E = 'e  sluice, Kafka to Elasticsearch, no inference';
const E_BARE = 'e  bare loop, Kafka to Elasticsearch';

const main = async (): Promise<number> => {
  const texts = readTexts(values.texts, TEXTS);
  const rivalModels = values['rival-models'];
  const plan = planServers();
  const servers = plan.problem === undefined ? await startServers(plan) : undefined;
  try {
    const reach: Servers | undefined = servers && {
      brokers: (process.env.KAFKA_BROKERS ?? servers.env.KAFKA_BROKERS)!,
      elasticsearch: (process.env.ELASTICSEARCH_URL ?? servers.env.ELASTICSEARCH_URL)!,
    };
    console.error(`${texts.length} texts, ${ROUNDS} rounds, documents/s`);
    const topic = reach && (await kilobyteTopic(reach, KILOBYTES));
    if (reach !== undefined && topic !== undefined) {
      // A JVM compiles what it runs often: on two cores the first documents of a cluster cost several times the later ones.
      await kafkaToElasticsearch(reach, texts.slice(0, WARM_UP));
      await barePlain(reach, topic, KILOBYTES);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      await measure(A_ONE, () => limit(texts, 'one'));
      await measure(B, () => dumpToFile(texts));
      if (reach !== undefined) await measure(C, () => kafkaToElasticsearch(reach, texts));
      if (round === 0) await measure(A_SORTED, () => limit(texts, 'sorted'));
      // Much slower than the others, and steady: a part of the texts is enough.
      if (rivalModels !== undefined) await measure(D, () => rival(rivalModels, texts.slice(0, quick ? 200 : 500)));
      if (reach === undefined || topic === undefined) continue;
      await measure(E_BARE, () => barePlain(reach, topic, KILOBYTES));
      await measure(E, () => sluicePlain(reach, topic, KILOBYTES));
    }
  } finally {
    await servers?.stop();
  }
  return report(texts.length, plan.problem);
};

const report = (count: number, problem: string | undefined): number => {
  // Of each round by itself: what the machine's other work slows down, it slows down for neighbours alike.
  const ratio = (over: string, under: string) => {
    const [above, below] = [rows.get(over), rows.get(under)];
    return above && below && median(above.map((value, round) => value / below[round]!));
  };
  const sorted = median(rows.get(A_SORTED)!) / rows.get(A_ONE)![0]!;
  // The limit is the better of its two ways, measured side by side in the first round.
  const limited = (row: string) => {
    const found = ratio(row, A_ONE);
    return found && found / Math.max(1, sorted);
  };
  const ratios = { b_a: limited(B), c_a: limited(C), b_d: ratio(B, D), e: ratio(E, E_BARE) };
  console.log(
    `\n${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, ${count} texts, median of ${ROUNDS} rounds [least–most]\n`,
  );
  for (const [row, numbers] of rows)
    console.log(
      `${row.padEnd(62)}${median(numbers).toFixed(1).padStart(9)} documents/s  [${Math.min(...numbers).toFixed(1)}–${Math.max(...numbers).toFixed(1)}]`,
    );
  if (!rows.has(D)) console.log(`${D.padEnd(62)}  needs --rival-models DIR with minilm-l6-ner-en and all-MiniLM-L6-v2`);
  if (!rows.has(C)) console.log(`rows c and e need servers: ${problem}`);
  console.log('');
  for (const row of jsonRows()) console.log(row);
  console.log('');
  let missed = 0;
  for (const [name, target] of Object.entries(TARGETS)) {
    const found = ratios[name as keyof typeof ratios];
    if (found === undefined) continue;
    const reached = found >= target;
    if (found < target * (quick ? QUICK_MARGIN : 1)) missed += 1;
    console.log(
      `${name.replace('_', '/').padEnd(4)} ${found.toFixed(3)}  ${reached ? 'reached' : 'MISSED'} (${target})`,
    );
  }
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ ratios, rows: Object.fromEntries(rows) }, null, 2)}\n`);
  return missed === 0 ? 0 : 1;
};

// The tokenizer's native work does not keep the process alive by itself.
const alive = setInterval(() => {}, 1000);
process.exitCode = await main().finally(() => clearInterval(alive));
