import type { Claims } from './sticky-claims.ts';

export interface GroupMember {
  readonly id: string;
  readonly topics: readonly string[];
  readonly claims: Claims;
}

/** Partitions by topic. */
export type Assignment = Map<string, number[]>;

interface Loaded {
  readonly id: string;
  readonly assignment: Assignment;
  size: number;
}

/** Topics that the same members read: partitions of them can move between the same members. */
interface Market {
  readonly topics: readonly string[];
  readonly members: readonly Loaded[];
}

/**
 * Gives each partition to one member that reads its topic. A partition stays where it was, unless its member has two
 * more than another one that could take it. The answer depends on nothing but the arguments, in whatever order.
 */
export const assignSticky = (
  group: readonly GroupMember[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Map<string, Assignment> => {
  const members = group.toSorted((a, b) => compare(a.id, b.id));
  const loaded = new Map(members.map(({ id }) => [id, { id, assignment: new Map(), size: 0 } as Loaded]));
  const markets = marketsOf(members, loaded, [...partitionsOf.keys()].sort());
  const owners = ownersOf(members);
  const free: { readonly market: Market; readonly topic: string; readonly partition: number }[] = [];
  for (const market of markets) {
    for (const topic of market.topics) {
      for (const partition of [...new Set(partitionsOf.get(topic))].sort((a, b) => a - b)) {
        const owner = owners.get(topic)?.get(partition);
        const member = owner === undefined ? undefined : market.members.find(({ id }) => id === owner.id);
        if (member === undefined) free.push({ market, topic, partition });
        else give(member, topic, partition);
      }
    }
  }
  // What few members can take is placed first: the others have a choice left.
  free.sort((a, b) => a.market.members.length - b.market.members.length);
  for (const { market, topic, partition } of free) give(least(market.members), topic, partition);
  balance(markets);
  return new Map([...loaded.values()].map(({ id, assignment }) => [id, assignment]));
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const marketsOf = (
  members: readonly GroupMember[],
  loaded: ReadonlyMap<string, Loaded>,
  topics: readonly string[],
): Market[] => {
  const markets = new Map<string, { topics: string[]; members: Loaded[] }>();
  const subscriptions = members.map(({ id, topics: wanted }) => ({ member: loaded.get(id)!, wanted: new Set(wanted) }));
  for (const topic of topics) {
    const readers = subscriptions.filter(({ wanted }) => wanted.has(topic)).map(({ member }) => member);
    if (readers.length === 0) continue;
    const name = JSON.stringify(readers.map(({ id }) => id));
    const market = markets.get(name) ?? { topics: [], members: readers };
    market.topics.push(topic);
    markets.set(name, market);
  }
  return [...markets.values()];
};

interface Owner {
  readonly id: string;
  readonly generation: number;
}

/** Who claims each partition, and got it last. */
const ownersOf = (members: readonly GroupMember[]): Map<string, Map<number, Owner>> => {
  const owners = new Map<string, Map<number, Owner>>();
  for (const { id, claims } of members) {
    for (const [topic, partitions] of claims.partitions) {
      const known = owners.get(topic) ?? new Map<number, Owner>();
      owners.set(topic, known);
      for (const partition of partitions) {
        const other = known.get(partition);
        if (other === undefined || other.generation < claims.generation)
          known.set(partition, { id, generation: claims.generation });
      }
    }
  }
  return owners;
};

const give = (member: Loaded, topic: string, partition: number): void => {
  const list = member.assignment.get(topic);
  if (list === undefined) member.assignment.set(topic, [partition]);
  else list.push(partition);
  member.size += 1;
};

const least = (members: readonly Loaded[]): Loaded =>
  members.reduce((best, member) => (member.size < best.size ? member : best));

/** The topic of which a member has most, so that each topic is spread too. */
const mostOf = (member: Loaded, topics: readonly string[]): string | undefined => {
  let most: string | undefined;
  let count = 0;
  for (const topic of topics) {
    const { length } = member.assignment.get(topic) ?? [];
    if (length > count) [most, count] = [topic, length];
  }
  return most;
};

/** Each move makes the sum of the squares of the sizes smaller: it ends. */
const balance = (markets: readonly Market[]): void => {
  for (let moved = true; moved; ) {
    moved = false;
    for (const market of markets) {
      for (;;) {
        const to = least(market.members);
        let from: Loaded | undefined;
        for (const member of market.members)
          if (
            member.size >= to.size + 2 &&
            member.size > (from?.size ?? 0) &&
            mostOf(member, market.topics) !== undefined
          )
            from = member;
        if (from === undefined) break;
        const topic = mostOf(from, market.topics)!;
        const list = from.assignment.get(topic)!;
        give(to, topic, list.pop()!);
        from.size -= 1;
        if (list.length === 0) from.assignment.delete(topic);
        moved = true;
      }
    }
  }
};
