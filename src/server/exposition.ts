import type { Histogram } from '../core/histogram.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | Histogram;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

/**
 * Prometheus' text format.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const exposition = (families: readonly Family[]): string =>
  families
    .map(({ name, help, type, samples }) => {
      const lines = samples.flatMap(({ labels, value }) =>
        typeof value === 'number'
          ? [`${name}${labelsOf(labels)} ${numberOf(value)}`]
          : histogramLines(name, labels, value),
      );
      return [
        `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
        `# TYPE ${name} ${type}`,
        ...lines,
      ]
        .map((line) => `${line}\n`)
        .join('');
    })
    .join('');

const histogramLines = (name: string, labels: Sample['labels'], { bounds, counts, sum }: Histogram): string[] => {
  let below = 0;
  const buckets = [...counts].map((count, at) => {
    below += count;
    const le = at < bounds.length ? String(bounds[at]) : '+Inf';
    return `${name}_bucket${labelsOf({ ...labels, le })} ${below}`;
  });
  return [...buckets, `${name}_sum${labelsOf(labels)} ${numberOf(sum)}`, `${name}_count${labelsOf(labels)} ${below}`];
};

const labelsOf = (labels: Sample['labels']): string => {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
};

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));

const numberOf = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
