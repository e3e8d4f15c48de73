import type { Admin } from '@platformatic/kafka';

/** Names of topics by their ids, as far as they can be found. @param topics that may be meant */
export const topicNames = async (
  admin: Admin,
  topics: readonly string[],
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  const names = new Map<string, string>();
  for (const forceUpdate of [false, true]) {
    for (const topic of topics) {
      const id = await idOf(admin, topic, forceUpdate);
      if (id !== undefined) names.set(id, topic);
    }
    if (ids.every((id) => names.has(id))) break;
  }
  return names;
};

/** Alone, because one topic that is gone must not stop the others. */
const idOf = async (admin: Admin, topic: string, forceUpdate: boolean): Promise<string | undefined> => {
  try {
    return (await admin.metadata({ topics: [topic], forceUpdate })).topics.get(topic)?.id;
  } catch {
    return undefined;
  }
};
