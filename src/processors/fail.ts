import { z } from 'zod';
import { ProcessorError } from '../core/errors.ts';
import { defineProcessor } from '../pipeline/definition.ts';
import { compileTemplate } from '../pipeline/mustache.ts';
import { templateOption } from './template-option.ts';

export const fail = defineProcessor({
  type: 'fail',
  summary: 'Fails with a message: for documents that must not pass.',
  options: z.strictObject({ message: templateOption().describe('The message. A template.') }),
  example: { options: { message: 'no id' }, before: { a: 1 }, after: {} },
  build: ({ message }) => {
    const template = compileTemplate(message);
    return {
      mode: 'sync',
      execute: (document) => {
        throw new ProcessorError('fail_processor_exception', template.render(document));
      },
    };
  },
});
