import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Of threads that take only the time that others leave. */
const NICE = 10;

/**
 * Lets this thread, and those that it starts, stand back behind others of the machine. Linux knows threads by numbers of
 * their own; elsewhere nothing happens. Answers whether it did.
 */
export const standBack = (): boolean => {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (!(thread > 0)) return false;
    setPriority(thread, NICE);
    return true;
  } catch {
    return false;
  }
};
