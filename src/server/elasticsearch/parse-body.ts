import type { z } from 'zod';
import { Refusal } from '../../core/refusal.ts';

/** @throws Refusal 400 with all that is wrong */
export const parseBody = <T>(schema: z.ZodType<T>, value: object): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `[${path.join('.')}] ${message}`,
  );
  throw new Refusal(
    400,
    'action_request_validation_exception',
    `Validation Failed: ${mistakes.map((mistake, at) => `${at + 1}: ${mistake};`).join('')}`,
  );
};
