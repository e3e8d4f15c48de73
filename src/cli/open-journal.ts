import { messageOf } from '../core/errors.ts';
import { CrashJournal, journalFolder } from '../inference/crash-journal.ts';
import type { createLog } from './log.ts';

/** Where models in this process note what they run, since they can end it; undefined where no folder can be had. */
export const openJournal = (log: ReturnType<typeof createLog>): CrashJournal | undefined => {
  try {
    const journal = new CrashJournal(journalFolder());
    // Also where a second signal or an error ends the process: those are no crashes.
    process.once('exit', () => journal.close());
    return journal;
  } catch (error) {
    log.warn('without a folder for the crash journal, a text that ends the process is not found out', {
      error: messageOf(error),
    });
    return undefined;
  }
};
