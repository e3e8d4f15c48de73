import type { Source, SourcePort } from '../../src/core/contracts.ts';
import { type SimulatedRecord, sourceRecord } from './record.ts';
import type { SimulatedClock, Trace } from './world.ts';

export interface Member extends Source {
  /** Takes some partitions away and gives them back; lets the member join again with the others. */
  rebalance(): void;
  /** Stops beating for a while; then the group has another opinion of what is whose. */
  freeze(ms: number): void;
  holds(): boolean;
  /** Ends the stream with an error, as a source does that cannot go on. */
  break(): void;
}

/** A topic with committed offsets that outlive the processes that read it. */
export class SimulatedTopic {
  readonly partitions = new Map<string, SimulatedRecord[]>();
  readonly committed = new Map<string, bigint>();
  readonly faults: Record<string, number> = {};
  readonly clock: SimulatedClock;
  readonly random: () => number;
  readonly trace: Trace;

  constructor(clock: SimulatedClock, random: () => number, trace: Trace) {
    this.clock = clock;
    this.random = random;
    this.trace = trace;
  }

  fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  get drained(): boolean {
    for (const [name, records] of this.partitions)
      if ((this.committed.get(name) ?? 0n) < BigInt(records.length)) return false;
    return true;
  }

  /**
   * One member of the group, which owns all partitions.
   * @param check called with every commit
   * @param problem called with what no member may do
   */
  member(
    alive: () => boolean,
    finite: boolean,
    check: (partition: string, position: bigint) => void,
    problem: (text: string) => void,
  ): Member {
    const positions = new Map<string, bigint>();
    const pausedAlone = new Set<string>();
    const underWay = new Set<string>();
    let port: SourcePort | undefined;
    let paused = false;
    let stopped = false;
    let fetching = false;
    let frozen = false;
    const works = () => port !== undefined && !stopped && alive();
    const left = (name: string) => this.partitions.get(name)!.length - Number(positions.get(name));
    const wanted = (name: string) => left(name) > 0 && (underWay.has(name) || !(paused || pausedAlone.has(name)));
    const assign = (name: string) => {
      // Where documents of it are still in flight here, a member goes on behind them, or reads them again: both happen.
      const goOn = port!.assigned(name);
      const start = this.committed.get(name) ?? 0n;
      positions.set(name, goOn !== undefined && this.random() < 0.7 ? goOn : start);
      fetch();
    };
    const fetch = () => {
      if (fetching || !works() || ![...positions.keys()].some(wanted)) return;
      fetching = true;
      this.clock.after(1 + this.random() * 10, () => {
        fetching = false;
        if (!works()) return;
        for (const [name, from] of positions) {
          // A pause lets through what was under way: one more fetch of a partition.
          if (!wanted(name)) continue;
          underWay.delete(name);
          const count = Math.min(left(name), 1 + Math.floor(this.random() * 30));
          positions.set(name, from + BigInt(count));
          this.trace.note(`fetch ${name} ${from} ${count}`);
          const records = this.partitions.get(name)!.slice(Number(from), Number(from) + count);
          port!.deliver(
            name,
            records.map((record, index) => sourceRecord(name, from + BigInt(index), record)),
          );
        }
        if (finite && [...positions.keys()].every((name) => left(name) === 0)) port!.ended();
        fetch();
      });
    };
    const rebalance = () => {
      if (!works()) return;
      for (const name of [...positions.keys()]) {
        if (this.random() < 0.5) {
          this.fault('rejoin');
          assign(name);
          continue;
        }
        this.fault('revoke');
        positions.delete(name);
        pausedAlone.delete(name);
        port!.revoked(name);
        this.trace.note(`revoke ${name}`);
        this.clock.after(20 + this.random() * 100, () => {
          if (works()) assign(name);
        });
      }
    };
    return {
      type: 'simulated',
      holds: () => !frozen,
      start: async (given) => {
        port = given;
        for (const name of this.partitions.keys()) assign(name);
        // All was committed already.
        if (finite && this.drained) port.ended();
      },
      pause: () => {
        paused = true;
        for (const name of positions.keys()) if (this.random() < 0.5) underWay.add(name);
      },
      resume: () => {
        paused = false;
        underWay.clear();
        fetch();
      },
      pausePartition: (name) => {
        pausedAlone.add(name);
        if (this.random() < 0.5) underWay.add(name);
      },
      resumePartition: (name) => {
        pausedAlone.delete(name);
        fetch();
      },
      stop: async () => {
        stopped = true;
      },
      close: async () => {},
      commit: async (moved) => {
        if (!alive()) return;
        if (this.random() < 0.1) {
          this.fault('commit');
          throw new Error('simulated: the coordinator is gone');
        }
        for (const [name, position] of moved) {
          check(name, position);
          if (!positions.has(name)) return problem(`commit for ${name}, which this member does not own`);
          if (position < (this.committed.get(name) ?? 0n)) problem(`commit of ${name} went back to ${position}`);
          this.trace.note(`commit ${name} ${position}`);
          this.committed.set(name, position);
        }
      },
      rebalance,
      freeze: (ms) => {
        this.fault('freeze');
        frozen = true;
        this.clock.after(ms, () => {
          rebalance();
          frozen = false;
        });
      },
      break: () => {
        if (!works()) return;
        this.fault('broken');
        port!.trouble({ type: 'simulated', reason: 'simulated' });
        port!.failed(new Error('simulated: the source is broken'));
      },
    };
  }
}
