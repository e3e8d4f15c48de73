import type { Source, SourcePort, SourceRecord } from '../../src/core/contracts.ts';
import type { SimulatedClock, Trace } from './world.ts';

export interface SimulatedRecord {
  readonly id: string;
  readonly version: number;
  readonly bytes: number;
  readonly kind: 'keep' | 'drop' | 'fail' | 'broken' | 'poison';
  /** How long its inference takes. */
  readonly wait: number;
}

/** A topic with committed offsets that outlive the processes that read it. */
export class SimulatedTopic {
  readonly partitions = new Map<string, SimulatedRecord[]>();
  readonly committed = new Map<string, bigint>();
  readonly faults: Record<string, number> = {};
  readonly clock: SimulatedClock;
  readonly random: () => number;
  readonly trace: Trace;
  readonly faulty: boolean;

  constructor(clock: SimulatedClock, random: () => number, trace: Trace, faulty: boolean) {
    this.clock = clock;
    this.random = random;
    this.trace = trace;
    this.faulty = faulty;
  }

  fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  get drained(): boolean {
    for (const [name, records] of this.partitions)
      if ((this.committed.get(name) ?? 0n) < BigInt(records.length)) return false;
    return true;
  }

  /** One member of the group, which owns all partitions; rebalances take them away and give them back. */
  member(alive: () => boolean, check: (partition: string, position: bigint) => void): Source & { rebalance(): void } {
    const positions = new Map<string, bigint>();
    let port: SourcePort | undefined;
    let paused = false;
    const pausedAlone = new Set<string>();
    const underWay = new Set<string>();
    let stopped = false;
    const assign = (name: string) => {
      port!.assigned(name);
      positions.set(name, this.committed.get(name) ?? 0n);
    };
    const fetch = () => {
      if (stopped || !alive()) return;
      this.clock.after(1 + this.random() * 10, () => {
        if (stopped || !alive()) return;
        for (const [name, from] of positions) {
          const records = this.partitions.get(name)!;
          const count = Math.min(records.length - Number(from), 1 + Math.floor(this.random() * 30));
          // A pause lets through what was under way: one more fetch of a partition.
          if (count <= 0 || ((paused || pausedAlone.has(name)) && !underWay.delete(name))) continue;
          positions.set(name, from + BigInt(count));
          this.trace.note(`fetch ${name} ${from} ${count}`);
          port!.deliver(
            name,
            records
              .slice(Number(from), Number(from) + count)
              .map((record, index) => recordOf(name, from + BigInt(index), record)),
          );
        }
        fetch();
      });
    };
    return {
      type: 'simulated',
      start: async (given) => {
        port = given;
        for (const name of this.partitions.keys()) assign(name);
        fetch();
      },
      pause: () => {
        paused = true;
        for (const name of positions.keys()) if (this.random() < 0.5) underWay.add(name);
      },
      resume: () => {
        paused = false;
        underWay.clear();
      },
      pausePartition: (name) => {
        pausedAlone.add(name);
        if (this.random() < 0.5) underWay.add(name);
      },
      resumePartition: (name) => void pausedAlone.delete(name),
      stop: async () => {
        stopped = true;
      },
      close: async () => {},
      commit: async (moved) => {
        if (!alive()) return;
        if (this.faulty && this.random() < 0.1) {
          this.fault('commit');
          throw new Error('simulated: the coordinator is gone');
        }
        for (const [name, position] of moved) {
          check(name, position);
          if (!positions.has(name)) throw new Error(`commit for ${name}, which this member does not own`);
          this.trace.note(`commit ${name} ${position}`);
          this.committed.set(name, position);
        }
      },
      rebalance: () => {
        if (port === undefined || stopped || !alive()) return;
        for (const name of [...positions.keys()]) {
          if (this.random() < 0.5) {
            // The same member keeps it, but reading starts again at the committed offset.
            this.fault('rejoin');
            assign(name);
            continue;
          }
          this.fault('revoke');
          positions.delete(name);
          pausedAlone.delete(name);
          port.revoked(name);
          this.trace.note(`revoke ${name}`);
          this.clock.after(20 + this.random() * 100, () => {
            if (!stopped && alive()) assign(name);
          });
        }
      },
    };
  }
}

const recordOf = (partition: string, position: bigint, record: SimulatedRecord): SourceRecord => ({
  position,
  next: position + 1n,
  bytes: record.bytes,
  value: Buffer.from(JSON.stringify({ ...record, partition, poison: record.kind === 'poison' })),
  key: null,
  headers: {},
  timestamp: 0,
  defaultId: () => `${partition}-${position}`,
  origin: () => ({ name: '_kafka', fields: { topic: partition, offset: Number(position) } }),
});
