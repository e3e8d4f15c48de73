import type { StepStats } from '../pipeline/step-stats.ts';
import type { Sample } from './exposition.ts';
import type { Metric } from './metric.ts';

/** One value for each processor; those without a tag share one. */
const ofSteps = (name: string, help: string, value: (stats: StepStats) => number): Metric<readonly StepStats[]> => ({
  name,
  type: 'counter',
  help,
  labels: ['pipeline', 'processor', 'tag'],
  samples: (steps) => {
    const sums = new Map<string, Sample & { value: number }>();
    for (const stats of steps) {
      const labels = { pipeline: stats.pipeline, processor: stats.type, tag: stats.tag ?? '' };
      const key = JSON.stringify(labels);
      sums.set(key, { labels, value: (sums.get(key)?.value ?? 0) + value(stats) });
    }
    return [...sums.values()];
  },
});

/** What each processor did. */
export const STEP_METRICS: readonly Metric<readonly StepStats[]>[] = [
  ofSteps(
    'sluice_processor_executions_total',
    'Documents that a processor was run for.',
    ({ executions }) => executions,
  ),
  ofSteps('sluice_processor_failures_total', 'Failures of a processor, handled or not.', ({ failures }) => failures),
  ofSteps(
    'sluice_processor_seconds_total',
    'Time in a processor, the wait for a model included; of the others every sixteenth execution is timed.',
    ({ seconds }) => seconds,
  ),
];
