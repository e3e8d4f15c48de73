import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Source, SourcePort, SourceRecord } from '../../src/core/contracts.ts';
import { until } from '../servers/until.ts';

export interface SourceUnderTest {
  /** The values that lie at the source, in the order of each partition. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** A reader of them; a later one goes on where the one before it has committed. */
  create(resumed: boolean): Source;
}

/** What the engine is to a source, reduced to remembering. */
class Port implements SourcePort {
  readonly seen = new Map<string, SourceRecord[]>();
  failure: Error | undefined;
  full = false;
  #waiting: (() => void)[] = [];

  assigned(): undefined {}
  revoked(): void {}
  deliver(partition: string, records: readonly SourceRecord[]): void {
    this.seen.set(partition, [...(this.seen.get(partition) ?? []), ...records]);
  }
  room(): Promise<void> {
    return this.full ? new Promise((resolve) => void this.#waiting.push(resolve)) : Promise.resolve();
  }
  makeRoom(): void {
    this.full = false;
    for (const go of this.#waiting.splice(0)) go();
  }
  ended(): void {}
  failed(error: Error): void {
    this.failure = error;
  }
  trouble(): void {}

  get count(): number {
    return [...this.seen.values()].reduce((sum, records) => sum + records.length, 0);
  }
  values(): Map<string, string[]> {
    return new Map(
      [...this.seen].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, records]) => [name, records.map(textOf)]),
    );
  }
}

const textOf = ({ value }: SourceRecord): string => Buffer.from(value!).toString('utf8');

/** What the engine relies on, for every source. */
export const sourceContract = (name: string, prepare: () => Promise<SourceUnderTest>): void => {
  const all = (values: SourceUnderTest['values']) => [...values.values()].reduce((sum, list) => sum + list.length, 0);
  const sorted = (values: SourceUnderTest['values']) => new Map([...values].sort(([a], [b]) => (a < b ? -1 : 1)));

  test(`${name}: delivers every record once, in the order of its partition, with rising positions`, async () => {
    const { values, create } = await prepare();
    const source = create(false);
    const port = new Port();
    await source.start(port);
    await until('everything is read', () => port.count >= all(values));
    await source.stop();
    await source.close();
    assert.equal(port.failure, undefined);
    assert.deepEqual(port.values(), sorted(values));
    const ids = new Set<string>();
    for (const records of port.seen.values()) {
      records.forEach((record, index) => {
        ids.add(record.defaultId());
        assert.ok(record.bytes >= record.value!.length);
        assert.ok(record.next > record.position);
        if (index > 0) assert.ok(record.position >= records[index - 1]!.next);
      });
    }
    assert.equal(ids.size, all(values), 'two records have one id');
  });

  test(`${name}: goes on where it was committed, and gives a record the same id again`, async () => {
    const { values, create } = await prepare();
    const first = create(false);
    const port = new Port();
    await first.start(port);
    await until('everything is read', () => port.count >= all(values));
    const half = new Map(
      [...port.seen].map(([partition, records]) => [partition, records[records.length >> 1]!.position]),
    );
    await first.commit(half);
    await first.stop();
    await first.close();
    const second = create(true);
    const rest = new Port();
    await second.start(rest);
    const left = [...values.values()].reduce((sum, list) => sum + list.length - (list.length >> 1), 0);
    await until('the rest is read', () => rest.count >= left);
    await second.stop();
    await second.close();
    assert.deepEqual(
      rest.values(),
      new Map([...sorted(values)].map(([partition, list]) => [partition, list.slice(list.length >> 1)])),
    );
    for (const [partition, records] of rest.seen) {
      const before = new Map(port.seen.get(partition)!.map((record) => [record.position, record.defaultId()]));
      for (const record of records) assert.equal(record.defaultId(), before.get(record.position));
    }
  });

  test(`${name}: pauses, goes on, and stops at once even where there is no room`, async () => {
    const { values, create } = await prepare();
    const source = create(false);
    const port = new Port();
    port.full = true;
    await source.start(port);
    source.pause();
    await sleep(300);
    const during = port.count;
    await sleep(300);
    assert.equal(port.count, during, 'a paused source goes on delivering');
    port.makeRoom();
    source.resume();
    await until('everything is read', () => port.count >= all(values));
    await source.stop();
    await source.close();

    const stuck = create(false);
    const small = new Port();
    small.full = true;
    await stuck.start(small);
    stuck.pause();
    await Promise.race([
      stuck.stop(),
      sleep(5000, undefined, { ref: false }).then(() => assert.fail('stop waits for room that never comes')),
    ]);
    const { count } = small;
    await sleep(200);
    assert.equal(small.count, count, 'records come after the stop');
    await stuck.close();
  });
};
