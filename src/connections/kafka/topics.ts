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
