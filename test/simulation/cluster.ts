import {
  type ItemResult,
  RequestError,
  type Sink,
  type SourceRecord,
  type WriteItem,
  type WriteLimits,
} from '../../src/core/contracts.ts';
import type { IngestDocument } from '../../src/core/document.ts';
import type { SimulatedRecord } from './record.ts';
import type { SimulatedClock, Trace } from './world.ts';

export interface SimulatedItem extends WriteItem {
  readonly id: string;
  readonly version: number;
  readonly poison: boolean;
  readonly deletes: boolean;
  readonly place: string;
}

/** A destination that keeps the last write of each id, and fails in all the ways a cluster does. */
export class SimulatedCluster {
  readonly index = new Map<string, number>();
  readonly written = new Set<string>();
  readonly faults: Record<string, number> = {};
  readonly #inFlight = new Set<string>();
  readonly #clock: SimulatedClock;
  readonly #random: () => number;
  readonly #trace: Trace;
  #blockedUntil = 0;
  #silentUntil = 0;

  constructor(clock: SimulatedClock, random: () => number, trace: Trace) {
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
  }

  /** The whole cluster refuses for a while. */
  block(ms: number): void {
    this.#fault('block');
    this.#blockedUntil = this.#clock.monotonic() + ms;
  }

  /** Nothing answers for a while. */
  silence(ms: number): void {
    this.#fault('silence');
    this.#silentUntil = this.#clock.monotonic() + ms;
  }

  /** A client of one process; writes of a process that was killed still arrive if they were under way. */
  client(limits: WriteLimits, alive: () => boolean): Sink<SimulatedItem> {
    return {
      type: 'simulated',
      destination: 'simulated',
      limits,
      open: async () => {},
      close: async () => {},
      prepare: (document: IngestDocument, record: SourceRecord) => {
        const id = Buffer.from(record.key!).toString();
        const { kind, bytes = 50 } = document.source as Partial<SimulatedRecord>;
        return {
          key: id,
          id,
          version: Number(record.position),
          poison: kind === 'poison',
          deletes: document.metadata.get('_op_type') === 'delete',
          bytes,
          place: `${record.origin().fields.topic as string}@${record.position}`,
        };
      },
      // A killed process sends nothing more.
      write: (items) => (alive() ? this.#write(items) : new Promise(() => {})),
    };
  }

  #write(items: readonly SimulatedItem[]): Promise<readonly ItemResult[]> {
    for (const { id } of items) {
      if (this.#inFlight.has(id)) throw new Error(`two writes of ${id} are in flight`);
      this.#inFlight.add(id);
    }
    return new Promise((resolve, reject) => {
      this.#clock.after(1 + this.#random() * 40, () => {
        for (const { id } of items) this.#inFlight.delete(id);
        const answer = this.#answer(items);
        this.#trace.note(
          `write ${items.map(({ id, version }) => `${id}=${version}`).join(' ')} ${answer instanceof Error ? answer.message : answer.map(({ outcome }) => outcome[0]).join('')}`,
        );
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    });
  }

  #answer(items: readonly SimulatedItem[]): RequestError | ItemResult[] {
    if (this.#clock.monotonic() < this.#silentUntil) {
      this.#fault('refused');
      return new RequestError('retry', { type: 'connection_error', reason: 'simulated' });
    }
    const blocked = this.#clock.monotonic() < this.#blockedUntil;
    const dice = this.#random();
    if (items.length > 1 && dice < 0.04) {
      this.#fault('413');
      return new RequestError('split', { type: 'split', reason: 'simulated', status: 413 });
    }
    if (!blocked && dice < 0.1) {
      // The answer is lost, after the writes were done or before.
      if (this.#random() < 0.5) this.#apply(items);
      this.#fault('connection');
      return new RequestError('retry', { type: 'connection_lost', reason: 'simulated' });
    }
    return items.map((item): ItemResult => {
      if (blocked)
        return { outcome: 'destination', fault: { type: 'cluster_block_exception', reason: 'simulated', status: 403 } };
      if (dice < 0.2 && this.#random() < 0.3) {
        this.#fault('429');
        return {
          outcome: 'retry',
          fault: { type: 'es_rejected_execution_exception', reason: 'simulated', status: 429 },
        };
      }
      if (item.poison)
        return { outcome: 'document', fault: { type: 'document_parsing_exception', reason: 'simulated', status: 400 } };
      this.#apply([item]);
      return { outcome: 'delivered' };
    });
  }

  #apply(items: readonly SimulatedItem[]): void {
    for (const { id, version, poison, deletes, place } of items) {
      if (poison) continue;
      if (deletes) this.index.delete(id);
      else this.index.set(id, version);
      this.written.add(place);
    }
  }

  #fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }
}
