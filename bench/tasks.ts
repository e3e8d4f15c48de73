import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { bindTask } from '../src/inference/bound-task.ts';
import { localModel } from '../src/inference/load-local.ts';
import { readModel } from '../src/inference/manifest.ts';
import type { LocalTask } from '../src/inference/manifest-schema.ts';
import { type Sequence, sequenceOf } from '../src/inference/onnx/sequence.ts';
import { pairWindows } from '../src/inference/pair-windows.ts';
import { taskOf } from '../src/inference/tasks/table.ts';
import { Tokenizer } from '../src/inference/tokenizer.ts';
import { truncatedWindow } from '../src/inference/windows.ts';
import { readTexts } from './texts.ts';

// Each task's deployment beside ONNX Runtime alone on the same sequences, and beside Hugging Face's pipeline in Python.
// Models: python scripts/reference/make.py DIR --hidden 384 --layers 6 --vocabulary 8000
const { values } = parseArgs({
  options: {
    models: { type: 'string' },
    python: { type: 'string' },
    texts: { type: 'string' },
    count: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
});
if (values.models === undefined) {
  console.error(
    '--models DIR names folders like bert-ner: python scripts/reference/make.py DIR --hidden 384 --layers 6',
  );
  process.exit(2);
}
const TARGET = 0.9;
const CORES = availableParallelism();
const texts = readTexts(values.texts, Number(values.count));
const ASKED: Partial<Record<LocalTask, object>> = {
  zero_shot_classification: { labels: ['weather', 'travel', 'language'] },
  question_answering: { question: 'Where did Anna go?' },
  text_similarity: { text: 'Where did Anna go?' },
};

const sequencesOf = async (folder: string, task: LocalTask): Promise<Sequence[]> => {
  const { manifest } = readModel(folder, { task_type: task });
  const tokenizer = await Tokenizer.ofModel(folder);
  const definition = taskOf(task);
  const asked: unknown = definition.read(definition.options.parse(ASKED[task] ?? {}), manifest);
  const maxTokens = manifest.max_sequence_length;
  const all: Sequence[] = [];
  for (const text of texts) {
    const pairs = definition.pairs?.(textFor(task, text, manifest.tasks.fill_mask?.mask_token), asked);
    const plans =
      pairs === undefined
        ? [await truncatedWindow(tokenizer, textFor(task, text, manifest.tasks.fill_mask?.mask_token), maxTokens)]
        : await Promise.all(
            pairs.map((pair) => pairWindows(tokenizer, pair, { maxTokens, truncate: 'balanced', span: -1 })),
          );
    for (const { windows } of plans) for (const window of windows) all.push(sequenceOf(window, tokenizer));
  }
  return all;
};

const textFor = (task: LocalTask, text: string, mask = ''): string => (task === 'fill_mask' ? `${mask} ${text}` : text);

/** Texts a second. */
const raw = async (folder: string, task: LocalTask, sequences: readonly Sequence[]): Promise<number> => {
  const { manifest } = readModel(folder, { task_type: task });
  const outputs = taskOf(task).outputs(manifest.tasks[task]);
  const graph = join(folder, manifest.graph);
  const workers = Array.from({ length: CORES }, (_, core) => {
    const own = sequences.filter((_, at) => at % CORES === core);
    return new Worker(fileURLToPath(new URL('./task-worker.ts', import.meta.url)), {
      workerData: { graph, outputs, sequences: own },
    });
  });
  const told = (message: string) =>
    Promise.all(
      workers.map(
        (worker) => new Promise<void>((resolve) => worker.on('message', (got) => got === message && resolve())),
      ),
    );
  const done = told('done');
  // Terminated while its session is released, a thread takes the process with it.
  const ended = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
  await told('ready');
  const began = performance.now();
  for (const worker of workers) worker.postMessage('go');
  await done;
  const seconds = (performance.now() - began) / 1000;
  await ended;
  return texts.length / seconds;
};

const deployed = async (folder: string, task: LocalTask): Promise<number> => {
  const files = readModel(folder, { task_type: task });
  const run = {
    number_of_allocations: CORES,
    threads_per_allocation: 1,
    queue_capacity: 100_000,
    cache_size: 0,
    timeout: 300_000,
  };
  const model = localModel(files, 'bench', run, {
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: console.error },
  });
  await model.deployment.start();
  const bound = bindTask(files.manifest, task, {
    [task]: { ...ASKED[task], ...(taskOf(task).pairs && { tokenization: { bert: { truncate: 'balanced' } } }) },
  });
  const mask = files.manifest.tasks.fill_mask?.mask_token;
  const infer = (text: string) =>
    new Promise<void>((resolve, reject) =>
      model.infer(bound.request(textFor(task, text, mask)), (error, output) => {
        if (output === undefined) return reject(error ?? new Error('no answer'));
        bound.fields(text, output);
        resolve();
      }),
    );
  await Promise.all(texts.slice(0, 3 * CORES).map(infer));
  const began = performance.now();
  await Promise.all(texts.map(infer));
  const rate = texts.length / ((performance.now() - began) / 1000);
  await model.deployment.close();
  return rate;
};

const inPython = (folder: string, task: LocalTask): number | undefined => {
  if (values.python === undefined) return undefined;
  const file = join(tmpdir(), `sluice-bench-texts-${process.pid}.json`);
  writeFileSync(file, JSON.stringify(texts));
  const script = fileURLToPath(new URL('../scripts/reference/speed.py', import.meta.url));
  const ended = spawnSync(values.python, [script, folder, task, file], { encoding: 'utf8' });
  const rate = Number(ended.stdout.trim().split('\n').at(-1));
  if (!(rate > 0)) console.error(ended.stderr.split('\n').slice(-4).join('\n'));
  return rate > 0 ? rate : undefined;
};

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

console.log(`${texts.length} texts, ${values.rounds} rounds, ${CORES} × ${cpus()[0]?.model}, texts/s`);
let missed = 0;
for (const name of readdirSync(values.models).sort()) {
  const task = name.slice(name.lastIndexOf('-') + 1) as LocalTask;
  if (!name.includes('-')) continue;
  const folder = join(values.models, name);
  const sequences = await sequencesOf(folder, task);
  const rounds: { raw: number; own: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1)
    rounds.push({ raw: await raw(folder, task, sequences), own: await deployed(folder, task) });
  const ratio = median(rounds.map(({ raw: limit, own }) => own / limit));
  const python = inPython(folder, task);
  const own = median(rounds.map((round) => round.own));
  if (ratio < TARGET || (python !== undefined && own <= python)) missed += 1;
  console.log(
    [
      name.padEnd(34),
      `raw ${median(rounds.map((round) => round.raw)).toFixed(1)}`.padEnd(14),
      `sluice ${own.toFixed(1)}`.padEnd(16),
      `ratio ${ratio.toFixed(2)}`.padEnd(12),
      python === undefined ? '' : `Python ${python.toFixed(1)}`,
    ].join(' '),
  );
}
process.exit(missed > 0 ? 1 : 0);
