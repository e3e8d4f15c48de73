import { z } from 'zod';
import { ProcessorError } from '../core/errors.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { templateOption } from './template-option.ts';

export const pipeline = defineProcessor({
  type: 'pipeline',
  summary: 'Runs another pipeline: one of those under `pipelines`.',
  options: z.strictObject({
    name: templateOption().describe('Its name. A template.'),
    ignore_missing_pipeline: z.boolean().default(false).describe('Do nothing where there is no such pipeline.'),
  }),
  example: { options: { name: 'inner' }, before: { a: 1 }, after: { a: 1, inner: true } },
  build: ({ name, ignore_missing_pipeline }, context) => {
    const template = compileTemplate(name);
    return {
      mode: 'call',
      pipeline: (document) => {
        const wanted = template.render(document);
        const found = context.pipeline(wanted);
        if (found === undefined && !ignore_missing_pipeline)
          throw new ProcessorError(
            'illegal_state_exception',
            `Pipeline processor configured for non-existent pipeline [${wanted}]`,
          );
        return found;
      },
    };
  },
});
