import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until the condition holds; its last error or `what` is told when the deadline passes. */
export const until = async <T>(
  what: string,
  condition: () => T | Promise<T>,
  { seconds = 30, everyMs = 100 }: { readonly seconds?: number; readonly everyMs?: number } = {},
): Promise<NonNullable<T>> => {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as NonNullable<T>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`not within ${seconds} s: ${what}${last instanceof Error ? ` (${last.message})` : ''}`, {
        cause: last,
      });
    await sleep(everyMs);
  }
};
