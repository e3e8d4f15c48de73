import { IngestDocument } from '../../core/document.ts';
import { SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { agreement, type Measure } from '../../inference/agreement.ts';
import { ModelSet } from '../../inference/model-set.ts';
import { trialRun } from '../../inference/trial.ts';
import { addModels } from '../add-models.ts';
import { comparedModel, type Reach } from '../compared-models.ts';
import { fittedTable } from '../fitted-table.ts';
import { createLog } from '../log.ts';
import type { StreamConfig } from '../stream-config.ts';
import { textsOfFile } from '../texts-of-file.ts';

export interface CompareOptions extends Reach {
  readonly docs: string;
  readonly field?: string;
  readonly limit: number;
  readonly inferenceConfig?: InferenceConfig;
  readonly json?: boolean;
}

/** What one model made of the texts, and what it cost. */
interface Outcome {
  readonly results: readonly (PlainObject | undefined)[];
  readonly failed: number;
  readonly firstFailure: string | undefined;
  readonly seconds: number;
  /** Milliseconds from the request to the answer: of half of the texts, and of 95 in a hundred. */
  readonly median_ms: number;
  readonly p95_ms: number;
  /** Processor seconds of this process. */
  readonly cpu_seconds: number;
}

/** Texts that are asked for at the same time: enough to fill any model's queue, few enough to time single ones. */
const AT_ONCE = 32;

/** `sluice models compare`: two models on the same texts. How far they agree, and what each costs. */
export const modelsCompare = async (a: string, b: string, options: CompareOptions): Promise<number> => {
  const texts = await textsOfFile(options.docs, options.field, options.limit);
  const log = createLog(options.json === true, (text) => void process.stderr.write(text));
  const models = new ModelSet(log);
  addModels(
    models,
    { models: { a: comparedModel(a, options), b: comparedModel(b, options) } } as unknown as StreamConfig,
    'sluice models compare',
    log,
    ({ path, message }) => {
      throw new SluiceError('SLUICE_MODEL_INVALID', message, { place: path[1] === 'a' ? a : b });
    },
  );
  try {
    await models.start(trialRun);
    for (const config of configsOf(models, options.inferenceConfig)) {
      // The first texts pay for what is set up once.
      for (const model of ['a', 'b']) await inferAll(models, model, config, texts.slice(0, 2));
      const outcomes = [
        await inferAll(models, 'a', config, texts),
        await inferAll(models, 'b', config, texts),
      ] as const;
      const task = config === undefined ? undefined : Object.keys(config)[0]!;
      const measures = agreement(task ?? '', outcomes[0].results, outcomes[1].results);
      if (options.json === true) console.log(JSON.stringify(asJson(task, texts.length, [a, b], outcomes, measures)));
      else console.log(asText(task, texts.length, [a, b], outcomes, measures));
    }
  } finally {
    await models.close();
  }
  return 0;
};

/** Each task that is asked for, or each that a local model of the two does. */
const configsOf = (models: ModelSet, given: InferenceConfig | undefined): (InferenceConfig | undefined)[] => {
  if (given !== undefined) return Object.keys(given).map((task) => ({ [task]: given[task]! }));
  const does = ['a', 'b'].flatMap((id) => {
    const files = models.files(id);
    return files === undefined ? [] : [Object.keys(files.manifest.tasks)];
  });
  const [first = [], second = first] = does;
  const both = first.filter((task) => second.includes(task));
  return both.length === 0 ? [undefined] : both.map((task) => ({ [task]: {} }));
};

const inferAll = async (
  models: ModelSet,
  model: string,
  config: InferenceConfig | undefined,
  texts: readonly string[],
): Promise<Outcome> => {
  const step = models.client().bind(model, config, 'text');
  const results = new Array<PlainObject | undefined>(texts.length);
  const times: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;
  let next = 0;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const one = (index: number) =>
    new Promise<void>((resolve) => {
      const asked = performance.now();
      step.infer(new IngestDocument({ source: {} }), texts[index]!, (error, result) => {
        times.push(performance.now() - asked);
        results[index] = result;
        if (error !== undefined) {
          failed += 1;
          firstFailure ??= error.message;
        }
        resolve();
      });
    });
  const worker = async () => {
    while (next < texts.length) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const { user, system } = process.cpuUsage(cpu);
  times.sort((x, y) => x - y);
  return {
    results,
    failed,
    firstFailure,
    seconds: (performance.now() - began) / 1000,
    median_ms: times[Math.floor(times.length / 2)] ?? 0,
    p95_ms: times[Math.floor(times.length * 0.95)] ?? 0,
    cpu_seconds: (user + system) / 1e6,
  };
};

type Pair<T> = readonly [T, T];

const asText = (
  task: string | undefined,
  texts: number,
  names: Pair<string>,
  outcomes: Pair<Outcome>,
  measures: readonly Measure[],
): string => {
  const lines = [`${task ?? 'result'}, ${texts} texts`];
  for (const { name, value, worst } of measures)
    lines.push(`  ${name}: ${value.toFixed(4)} on the mean, ${worst.toFixed(4)} at worst`);
  if (measures.length === 0) lines.push('  there is no text of which the two can be compared');
  const rows = outcomes.map(({ seconds, median_ms, p95_ms, cpu_seconds, failed }, at) => [
    names[at]!,
    (texts / seconds).toFixed(1),
    median_ms.toFixed(0),
    p95_ms.toFixed(0),
    ((1000 * cpu_seconds) / texts).toFixed(1),
    String(failed),
  ]);
  lines.push(fittedTable(['MODEL', 'TEXTS/S', 'MEDIAN MS', 'P95 MS', 'CPU MS/TEXT', 'FAILED'], rows));
  outcomes.forEach(({ firstFailure }, at) => {
    if (firstFailure !== undefined) lines.push(`  ${names[at]}: ${firstFailure}`);
  });
  return lines.join('\n');
};

const asJson = (
  task: string | undefined,
  texts: number,
  names: Pair<string>,
  outcomes: Pair<Outcome>,
  measures: readonly Measure[],
): object => ({
  task: task ?? null,
  texts,
  agreement: measures,
  models: outcomes.map(({ results: _results, firstFailure, ...cost }, at) => ({
    model: names[at],
    texts_per_second: texts / cost.seconds,
    ...cost,
    ...(firstFailure !== undefined && { first_failure: firstFailure }),
  })),
});
