import type { SourceRecord } from '../../src/core/contracts.ts';

/** What becomes of a record: how it is read, processed and written. */
export type Kind = 'keep' | 'drop' | 'fail' | 'broken' | 'poison' | 'evil' | 'late' | 'late_broken' | 'tombstone';

export interface SimulatedRecord {
  readonly id: string;
  readonly version: number;
  readonly bytes: number;
  readonly kind: Kind;
  /** How long its inference, or its schema, takes. */
  readonly wait: number;
}

/** How a record of this kind has to end. */
export const endOf = (kind: Kind, tombstones: 'delete' | 'ignore' | 'dead_letter'): 'written' | 'dropped' | 'dead' => {
  if (kind === 'keep' || kind === 'late') return 'written';
  if (kind === 'drop') return 'dropped';
  if (kind !== 'tombstone' || tombstones === 'dead_letter') return 'dead';
  return tombstones === 'delete' ? 'written' : 'dropped';
};

const KINDS: readonly (readonly [number, Kind])[] = [
  [0.82, 'keep'],
  [0.86, 'late'],
  [0.9, 'drop'],
  [0.92, 'fail'],
  [0.94, 'broken'],
  [0.95, 'late_broken'],
  [0.97, 'poison'],
  [0.98, 'evil'],
  [1, 'tombstone'],
];

export const randomRecord = (random: () => number, partition: number, index: number): SimulatedRecord => {
  const dice = random();
  return {
    id: `k${partition}-${Math.floor(random() * 40)}`,
    version: index,
    bytes: 50 + Math.floor(random() * 350),
    kind: KINDS.find(([below]) => dice < below)![1],
    wait: random() < 0.5 ? 0 : random() * 60,
  };
};

export const sourceRecord = (partition: string, position: bigint, record: SimulatedRecord): SourceRecord => ({
  position,
  next: position + 1n,
  bytes: record.bytes,
  value: record.kind === 'tombstone' ? null : Buffer.from(JSON.stringify({ ...record, partition })),
  key: Buffer.from(record.id),
  headers: {},
  timestamp: 0,
  defaultId: () => `${partition}-${position}`,
  origin: () => ({ name: '_kafka', fields: { topic: partition, offset: Number(position) } }),
});
