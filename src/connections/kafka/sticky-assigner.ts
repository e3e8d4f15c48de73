import kafkajs from 'kafkajs';
import type { TopicPartition } from './client.ts';
import { assignSticky } from './sticky.ts';
import { type Claims, decodeClaims, encodeClaims, NO_CLAIMS } from './sticky-claims.ts';

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;

/** Part of what the members agree on: another way to assign, or to write claims, takes another name. */
const NAME = 'sluice-sticky';
const VERSION = 0;

interface Coordinator {
  joinGroup(request: object): Promise<{ readonly generationId: number }>;
}

/** Of kafkajs 2.2.4's cluster, what is not in its types too. */
interface Cluster {
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findGroupCoordinator(request: object): Promise<Coordinator>;
}

/**
 * Keeps partitions where they are: kafkajs' own assigner deals them out anew whenever a member comes or goes, and what
 * was in flight of those that moved is read again. One for each consumer, however often it is built anew.
 */
export class StickyAssigner {
  #claims = NO_CLAIMS;
  #generation = -1;

  /** What this member has now. */
  keep(owned: Iterable<TopicPartition>): void {
    const partitions = new Map<string, number[]>();
    for (const { topic, partition } of owned) partitions.set(topic, [...(partitions.get(topic) ?? []), partition]);
    this.#claims = { generation: this.#generation, partitions };
  }

  get claims(): Claims {
    return this.#claims;
  }

  readonly create: kafkajs.PartitionAssigner = ({ cluster: typed }) => {
    const cluster = typed as unknown as Cluster;
    this.#watchGeneration(cluster);
    return {
      name: NAME,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: NAME,
        metadata: MemberMetadata.encode({ version: VERSION, topics, userData: encodeClaims(this.#claims) }),
      }),
      assign: async ({ members }) => {
        const group = members.map(({ memberId, memberMetadata }) => {
          const { topics, userData } = MemberMetadata.decode(memberMetadata) ?? { topics: [], userData: undefined };
          return { id: memberId, topics, claims: decodeClaims(userData) };
        });
        const topics = new Set(group.flatMap((member) => member.topics));
        const partitions = await partitionsOf(cluster, topics);
        return [...assignSticky(group, partitions)].map(([memberId, assignment]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({
            version: VERSION,
            assignment: Object.fromEntries(assignment),
            userData: Buffer.alloc(0),
          }),
        }));
      },
    };
  };

  /** kafkajs tells the generation only with the first heartbeat; a rebalance may come before. */
  #watchGeneration(cluster: Cluster): void {
    const find = cluster.findGroupCoordinator.bind(cluster);
    const watched = new WeakSet<Coordinator>();
    cluster.findGroupCoordinator = async (request) => {
      const coordinator = await find(request);
      if (watched.has(coordinator)) return coordinator;
      watched.add(coordinator);
      const join = coordinator.joinGroup.bind(coordinator);
      coordinator.joinGroup = async (wanted) => {
        const answer = await join(wanted);
        this.#generation = answer.generationId;
        return answer;
      };
      return coordinator;
    };
  }
}

/** The leader may be the only member that has not yet heard of a topic. */
const partitionsOf = async (cluster: Cluster, topics: ReadonlySet<string>): Promise<Map<string, number[]>> => {
  const found = new Map<string, number[]>();
  for (const topic of topics) {
    let partitions = cluster.findTopicPartitionMetadata(topic);
    if (partitions.length === 0) {
      // Where it is gone again, nobody gets any of it.
      await cluster.addMultipleTargetTopics([topic]).catch(() => {});
      partitions = cluster.findTopicPartitionMetadata(topic);
    }
    found.set(
      topic,
      partitions.map(({ partitionId }) => partitionId),
    );
  }
  return found;
};
