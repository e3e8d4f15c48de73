import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Assignment, assignSticky, type GroupMember } from './sticky.ts';
import { NO_CLAIMS } from './sticky-claims.ts';

type Topics = ReadonlyMap<string, readonly number[]>;

const topicsOf = (sizes: Readonly<Record<string, number>>): Topics =>
  new Map(Object.entries(sizes).map(([topic, size]) => [topic, Array.from({ length: size }, (_, n) => n)]));

const newcomer = (id: string, topics: readonly string[]): GroupMember => ({ id, topics, claims: NO_CLAIMS });

/** The members as they come to the next rebalance. */
const claiming = (
  members: readonly GroupMember[],
  assigned: ReadonlyMap<string, Assignment>,
  generation: number,
): GroupMember[] =>
  members.map((member) => {
    const partitions = assigned.get(member.id);
    return partitions === undefined ? member : { ...member, claims: { generation, partitions } };
  });

const places = (assignment: Assignment | undefined): string[] =>
  [...(assignment ?? [])]
    .flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}-${partition}`))
    .sort();

const shares = (assigned: ReadonlyMap<string, Assignment>): Record<string, string[]> =>
  Object.fromEntries([...assigned].map(([id, assignment]) => [id, places(assignment)]));

const sizes = (assigned: ReadonlyMap<string, Assignment>): number[] =>
  [...assigned.values()].map((assignment) => places(assignment).length);

const moved = (before: ReadonlyMap<string, Assignment>, after: ReadonlyMap<string, Assignment>): number => {
  const owner = new Map([...before].flatMap(([id, assignment]) => places(assignment).map((place) => [place, id])));
  return [...after].reduce(
    (sum, [id, assignment]) =>
      sum + places(assignment).filter((place) => owner.has(place) && owner.get(place) !== id).length,
    0,
  );
};

describe('partitions stay where they are', () => {
  test('a member that joins takes what balance asks for, and the others keep the rest', () => {
    const topics = topicsOf({ a: 6, b: 3 });
    const [one, two, three] = ['1', '2', '3'].map((id) => newcomer(id, ['a', 'b']));
    const first = assignSticky([one!, two!], topics);
    assert.deepEqual(sizes(first), [5, 4]);
    const second = assignSticky([...claiming([one!, two!], first, 1), three!], topics);
    assert.deepEqual(sizes(second), [3, 3, 3]);
    assert.equal(moved(first, second), 3);
    assert.deepEqual(shares(assignSticky(claiming([one!, two!, three!], second, 2), topics)), shares(second));
  });

  test('what a member leaves behind is spread, and nothing else moves', () => {
    const topics = topicsOf({ a: 7 });
    const members = ['1', '2', '3'].map((id) => newcomer(id, ['a']));
    const first = assignSticky(members, topics);
    const after = assignSticky(claiming(members.slice(1), first, 1), topics);
    assert.equal(moved(new Map([...first].slice(1)), after), 0);
    assert.deepEqual(sizes(after).sort(), [3, 4]);
  });

  test('of two that claim a partition, it is whose that got it later', () => {
    const claim = (id: string, generation: number, partitions: number[]): GroupMember => ({
      ...newcomer(id, ['a']),
      claims: { generation, partitions: new Map([['a', partitions]]) },
    });
    // The first was away while the group went on without it.
    const assigned = assignSticky([claim('1', 7, [0, 1]), claim('2', 8, [0, 2])], topicsOf({ a: 4 }));
    assert.deepEqual(shares(assigned), { 1: ['a-1', 'a-3'], 2: ['a-0', 'a-2'] });
  });

  test('a claim is void where the topic is no longer read or the partition is not there', () => {
    const stale: GroupMember = {
      ...newcomer('1', ['a']),
      claims: { generation: 3, partitions: new Map(Object.entries({ a: [0, 9], b: [0], gone: [1] })) },
    };
    const assigned = assignSticky([stale, newcomer('2', ['a', 'b'])], topicsOf({ a: 2, b: 1 }));
    assert.deepEqual(shares(assigned), { 1: ['a-0', 'a-1'], 2: ['b-0'] });
  });
});

const TOPICS = ['a', 'b', 'c', 'd'];
const arbitrary = fc.record({
  sizes: fc.tuple(...TOPICS.map(() => fc.integer({ min: 0, max: 12 }))),
  members: fc.uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 3 }),
      topics: fc.subarray([...TOPICS, 'unknown']),
      generation: fc.integer({ min: 0, max: 3 }),
      partitions: fc.dictionary(fc.constantFrom(...TOPICS, 'gone'), fc.array(fc.integer({ min: 0, max: 14 }))),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
  ),
});

const groupOf = ({ sizes: counts, members }: typeof arbitrary extends fc.Arbitrary<infer T> ? T : never) => ({
  topics: topicsOf(Object.fromEntries(TOPICS.map((topic, index) => [topic, counts[index]!]))),
  group: members.map(
    ({ id, topics, generation, partitions }): GroupMember => ({
      id,
      topics,
      claims: { generation, partitions: new Map(Object.entries(partitions)) },
    }),
  ),
});

/** Whoever has two more than another could have given one. */
const assertBalanced = (group: readonly GroupMember[], assigned: ReadonlyMap<string, Assignment>) => {
  const size = (id: string) => places(assigned.get(id)).length;
  for (const from of group)
    for (const to of group)
      for (const topic of assigned.get(from.id)!.keys())
        if (to.topics.includes(topic)) assert.ok(size(from.id) <= size(to.id) + 1, `${from.id} could give ${to.id}`);
};

describe('whatever the members claim', () => {
  test('each partition is given once, to a member that reads the topic, and the sizes are even', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const { topics, group } = groupOf(value);
        const assigned = assignSticky(group, topics);
        const given = [...assigned.values()].flatMap(places);
        assert.equal(new Set(given).size, given.length);
        const readable = [...topics].flatMap(([topic, partitions]) =>
          group.some((member) => member.topics.includes(topic)) ? partitions.map((n) => `${topic}-${n}`) : [],
        );
        assert.deepEqual(given.sort(), readable.sort());
        for (const { id, topics: wanted } of group)
          for (const topic of assigned.get(id)!.keys()) assert.ok(wanted.includes(topic));
        assertBalanced(group, assigned);
      }),
    );
  });

  test('the answer is the same in any order, and for the same members the next time', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const { topics, group } = groupOf(value);
        const assigned = assignSticky(group, topics);
        const reversed = new Map([...topics].reverse().map(([topic, list]) => [topic, list.toReversed()] as const));
        assert.deepEqual(shares(assignSticky(group.toReversed(), reversed)), shares(assigned));
        assert.deepEqual(shares(assignSticky(claiming(group, assigned, 9), topics)), shares(assigned));
      }),
    );
  });

  test('where all read the same, no more moves than balance asks for', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ max: 40, min: 0 }), fc.integer({ max: 9, min: 0 })),
        ids,
        ids,
        (count, before, after) => {
          const topics = topicsOf({ a: count[0], b: count[1] });
          const member = (id: number) => newcomer(String(id), ['a', 'b']);
          const first = assignSticky(before.map(member), topics);
          const second = assignSticky(claiming(after.map(member), first, 1), topics);
          const stayed = new Map([...first].filter(([id]) => after.includes(Number(id))));
          // Each keeps what it had, up to the even share; so many may have one more as do not divide evenly.
          const total = count[0] + count[1];
          const share = Math.floor(total / after.length);
          let extra = total % after.length;
          let least = 0;
          for (const size of sizes(stayed).sort((a, b) => b - a)) {
            const room = extra > 0 && size > share ? share + 1 : share;
            if (room > share) extra -= 1;
            least += Math.max(0, size - room);
          }
          assert.equal(moved(stayed, second), least);
        },
      ),
    );
  });

  test('a large group takes no time', () => {
    const topics = topicsOf(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`t${n}`, 100])));
    const members = Array.from({ length: 100 }, (_, n) => newcomer(String(n), [...topics.keys()]));
    const first = assignSticky(members.slice(0, 10), topics);
    const started = performance.now();
    const second = assignSticky(claiming(members, first, 1), topics);
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual(new Set(sizes(second)), new Set([50]));
  });
});
