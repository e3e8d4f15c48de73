import type { GroupPartitionsAssigner } from '@platformatic/kafka';
import { assignSticky, type GroupMember } from './sticky.ts';

/**
 * The same assignment as with kafkajs, in the two steps of the cooperative protocol: a partition that moves is given to
 * nobody until the member that has it has let go of it. The library's own assigner leaves some groups uneven.
 */
export const cooperativeAssigner: GroupPartitionsAssigner = (_current, members, _topics, metadata) => {
  const newest = Math.max(-1, ...[...members.values()].map(({ generationId = -1 }) => generationId));
  const group = [...members.values()].map(
    ({ memberId, topics = [], generationId = -1, ownedPartitions = [] }): GroupMember => ({
      id: memberId,
      topics,
      claims: {
        generation: generationId,
        partitions: new Map(ownedPartitions.map(({ topic, partitions }) => [topic, partitions])),
      },
    }),
  );
  const held = new Map<string, Set<string>>();
  for (const { id, claims } of group) {
    // Who was away holds nothing any more, whatever it says.
    if (claims.generation < newest) continue;
    for (const [topic, partitions] of claims.partitions)
      for (const partition of partitions) {
        const name = `${topic}-${partition}`;
        held.set(name, (held.get(name) ?? new Set()).add(id));
      }
  }
  const partitionsOf = new Map(
    [...metadata.topics].map(([topic, found]) => [
      topic,
      Array.from({ length: found?.partitionsCount ?? 0 }, (_, n) => n),
    ]),
  );
  return [...assignSticky(group, partitionsOf)].map(([memberId, assignment]) => ({
    memberId,
    assignments: new Map(
      [...assignment].map(([topic, partitions]) => [
        topic,
        {
          topic,
          partitions: partitions.filter((partition) => {
            const holders = held.get(`${topic}-${partition}`);
            return holders === undefined || [...holders].every((id) => id === memberId);
          }),
        },
      ]),
    ),
  }));
};
