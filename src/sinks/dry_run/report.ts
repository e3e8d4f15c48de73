/** What would come of a document, seen from what is there. */
export type Effect =
  /** Nothing is there under its id. */
  | 'new'
  | 'same'
  | 'changed'
  /** Something is there, and stays: a create, or an older version. */
  | 'kept'
  | 'deleted'
  /** An update or deletion of what is not there. */
  | 'missing'
  /** The cluster did not say. */
  | 'unknown';

/** What a run would have done. Holds names and numbers, and values only where they were asked for. */
export class DryRunReport {
  /** Documents that would have been written, by action. */
  readonly actions: Record<string, number> = {};
  /** The first of them, compared with what is there. */
  readonly effects: Partial<Record<Effect, number>> = {};
  /** Paths of fields that would change, appear or go, and in how many documents. */
  readonly fields: Record<string, number> = {};
  /** Documents that would have been dead letters, by what failed. */
  readonly failures: Record<string, number> = {};
  /** Differences with their values. */
  readonly shown: string[] = [];
  /** Documents to compare at most. */
  readonly compare: number;
  /** Documents to show the values of at most. */
  readonly show: number;
  compared = 0;

  constructor({ compare, show }: { readonly compare: number; readonly show: number }) {
    this.compare = compare;
    this.show = show;
  }

  toJSON(): object {
    const { actions, compared, effects, fields, failures, shown } = this;
    return { dry_run: { actions, compared, effects, fields, failures, ...(shown.length > 0 && { shown }) } };
  }

  /** For a person. */
  toString(): string {
    const counts = (of: Readonly<Record<string, number>>, most = 40) => {
      const sorted = Object.entries(of).sort(([, a], [, b]) => b - a);
      const more = sorted.length > most ? [`and ${sorted.length - most} more`] : [];
      return [...sorted.slice(0, most).map(([name, count]) => `${count} ${name}`), ...more].join(', ');
    };
    const lines = ['  dry run: nothing was written', `  would write: ${counts(this.actions) || 'nothing'}`];
    if (this.compared > 0) lines.push(`  of the first ${this.compared}: ${counts(this.effects)}`);
    if (Object.keys(this.fields).length > 0) lines.push(`  fields that differ: ${counts(this.fields)}`);
    if (Object.keys(this.failures).length > 0) lines.push(`  would fail: ${counts(this.failures)}`);
    return [...lines, ...this.shown.map((line) => `  ${line}`)].join('\n');
  }
}

export const countUp = (counts: Record<string, number>, name: string): void => {
  counts[name] = (Object.hasOwn(counts, name) ? counts[name]! : 0) + 1;
};
