import { z } from 'zod';
import { compileRegex } from '../painless/regex/regex.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { stringExecution, stringOptions } from './string-processor.ts';
import { patternOption } from './template-option.ts';

export const gsub = defineProcessor({
  type: 'gsub',
  summary: 'Replaces what a regular expression matches, in a string or in each string of a list.',
  options: z.strictObject({
    ...stringOptions,
    pattern: patternOption().describe("Java's regular expression (docs/reference/regular-expressions.md)."),
    replacement: z.string().describe('What takes its place; `$1` and `${name}` are groups.'),
  }),
  example: { options: { field: 'a', pattern: '\\.', replacement: '-' }, before: { a: '1.2.3' }, after: { a: '1-2-3' } },
  build: ({ pattern, replacement, ...options }) => {
    const regex = compileRegex(pattern, { flavour: 'java' });
    // Elasticsearch finds a wrong group at the first match only; here the pipeline is refused before it runs.
    regex.checkReplacement(replacement);
    return stringExecution(options, (text) => regex.replaceAll(text, replacement));
  },
});
