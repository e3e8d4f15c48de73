import { SluiceError } from '../../core/errors.ts';

/** The topics that are there and wanted, by name or by pattern. @throws SluiceError for a name that is not there */
export const matchingTopics = (wanted: readonly (string | RegExp)[], topics: Iterable<string>): string[] => {
  const existing = new Set(topics);
  const found = new Set<string>();
  for (const topic of wanted) {
    if (topic instanceof RegExp) {
      for (const name of existing) if (topic.test(name)) found.add(name);
    } else if (existing.has(topic)) found.add(topic);
    else {
      throw new SluiceError('SLUICE_SOURCE_FAILED', `the topic [${topic}] does not exist`, {
        hint: 'Create it first; sluice never creates a topic to read from.',
      });
    }
  }
  return [...found].sort();
};

/** As above once reading has begun: a topic that was deleted must not stop the others. */
export const presentTopics = (
  wanted: readonly (string | RegExp)[],
  topics: Iterable<string>,
): { readonly found: string[]; readonly missing: string | undefined } => {
  const existing = new Set(topics);
  const missing = wanted.find((topic) => typeof topic === 'string' && !existing.has(topic)) as string | undefined;
  return {
    found: matchingTopics(
      wanted.filter((topic) => typeof topic !== 'string' || existing.has(topic)),
      existing,
    ),
    missing,
  };
};

/** What keeps a member from reading all that it should. */
export const missingTopic = (topic: string | undefined): { type: string; reason: string } | undefined =>
  topic === undefined
    ? undefined
    : { type: 'unknown_topic_or_partition', reason: `the topic [${topic}] does not exist any more` };
