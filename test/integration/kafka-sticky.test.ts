import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import {
  CLIENTS,
  type ClientName,
  committedOffsets,
  createTopic,
  Member,
  numbered,
  testKafka,
} from './support/kafka.ts';
import { uniqueName, until } from './support/servers.ts';

const PARTITIONS = 8;

/** As the engine does: commits what it has, goes on where it is, and forgets a partition that it loses. */
class Worker extends Member {
  readonly #next = new Map<number, bigint>();
  /** Records that this member got again although it had the partition all the time. */
  again = 0;
  #working = true;
  readonly #commits: Promise<void>;

  constructor(client: ClientName, topic: string, groupId: string) {
    super({ client, topics: [topic], groupId });
    this.goOnAt = ({ partition }) => this.#next.get(partition);
    this.#commits = this.#commit(topic);
  }

  override records(...[place, records]: Parameters<Member['records']>): void {
    super.records(place, records);
    for (const { offset } of records) {
      if (offset < (this.#next.get(place.partition) ?? 0n)) this.again += 1;
      this.#next.set(place.partition, offset + 1n);
    }
  }

  override revoked(place: Parameters<Member['revoked']>[0]): void {
    super.revoked(place);
    this.#next.delete(place.partition);
    // What must not come through: another member has it.
    void this.consumer.commit([{ ...place, offset: 1n }]).catch(() => {});
  }

  async #commit(topic: string): Promise<void> {
    while (this.#working) {
      await sleep(50);
      const offsets = [...this.#next].map(([partition, offset]) => ({ topic, partition, offset }));
      if (offsets.length > 0) await this.consumer.commit(offsets).catch(() => {});
    }
  }

  /** Leaves with everything committed. */
  async leave(): Promise<void> {
    this.#working = false;
    await this.#commits;
    await this.close();
  }
}

const total = (workers: readonly Worker[]): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);

for (const client of CLIENTS)
  test(`${client}: members that join and leave move no more partitions than balance asks for, and what stays is not read again`, async () => {
    const topic = await createTopic('sticky', PARTITIONS);
    const groupId = uniqueName('group');
    const producer = testKafka().producer();
    await producer.connect();
    let producing = true;
    let each = 0;
    const load = (async () => {
      while (producing) {
        const messages = Array.from({ length: PARTITIONS }, (_, partition) => numbered(20, each, partition)).flat();
        await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.None });
        each += 20;
        await sleep(20);
      }
    })();
    const workers: Worker[] = [];
    const owners = () =>
      new Map(workers.flatMap((worker) => [...worker.owned].map((place) => [place, worker] as const)));
    const settled = (sizes: readonly number[]) =>
      until(`shares of ${sizes}`, () => {
        const now = workers.map(({ owned }) => owned.size).filter((size) => size > 0);
        return String(now.sort()) === String([...sizes].sort()) && owners().size === PARTITIONS;
      });
    let committed: number[] = [];
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const before = committed;
        committed = await committedOffsets(groupId, topic);
        before.forEach((offset, partition) =>
          assert.ok(
            committed[partition]! >= offset,
            `${partition} went back from ${offset} to ${committed[partition]}`,
          ),
        );
        await sleep(100);
      }
    })();
    try {
      const moves: number[] = [];
      const change = async (what: () => Promise<unknown>, sizes: readonly number[]) => {
        const before = owners();
        const [seen, revoked] = [total(workers), workers.map(revocations)];
        await what();
        await settled(sizes);
        await until('work goes on', () => total(workers) > seen + 1000);
        const after = owners();
        moves.push([...before].filter(([place, worker]) => after.get(place) !== worker).length);
        // Not even for a moment: what was revoked in between would have been read again.
        const lost = revoked.map((count, index) => revocations(workers[index]!) - count);
        assert.ok(
          lost.reduce((sum, count) => sum + count, 0) <= moves.at(-1)!,
          `${lost} revoked, ${moves.at(-1)} moved`,
        );
      };
      const join = async () => {
        const worker = new Worker(client, topic, groupId);
        workers.push(worker);
        await worker.start();
      };
      const leave = async (index: number) => {
        await workers[index]!.leave();
        workers[index]!.owned.clear();
      };
      await change(join, [8]);
      await change(join, [4, 4]);
      await change(join, [2, 3, 3]);
      await change(() => leave(1), [4, 4]);
      await change(() => leave(2), [8]);
      assert.deepEqual(moves, [0, 4, 2, 3, 4]);
      producing = false;
      await load;
      await until('everything committed', () => committed.every((offset) => offset === each));
      const places = workers.flatMap(({ seen }) => seen.map(({ partition, offset }) => `${partition}-${offset}`));
      assert.equal(new Set(places).size, each * PARTITIONS);
      assert.deepEqual(
        workers.map(({ again }) => again),
        [0, 0, 0],
      );
      // Only what was on its way while a partition moved comes twice: 13 moves, 50 ms between commits.
      const twice = places.length - new Set(places).size;
      assert.ok(twice < places.length / 10, `${twice} of ${places.length} records came twice`);
    } finally {
      producing = false;
      watching = false;
      await load;
      await Promise.all(workers.map((worker) => worker.leave()));
      await watch;
      await producer.disconnect();
    }
  });

const revocations = ({ history }: Member): number => history.filter((entry) => entry.startsWith('revoked')).length;
