import type { Supervisor } from '../runtime/supervisor.ts';
import type { createLog } from './log.ts';
import type { Reloader } from './reload.ts';

type Log = ReturnType<typeof createLog>;

/** How long models may take to leave their native code before the process ends regardless. */
const CLOSE_MS = 1000;

const statusOf = (signal: NodeJS.Signals): number => (signal === 'SIGINT' ? 130 : 143);

/**
 * Before streams start, while models are loaded: nothing was read, so a signal ends the process as it would without a
 * handler. process.exit would end threads in the middle of native code: SIGABRT, and a core dump.
 */
export const endOnSignals = (log: Log) => {
  let status: number | undefined;
  const end = (signal: NodeJS.Signals) => {
    status = statusOf(signal);
    log.info(`${signal}: no stream has started yet`);
    remove();
    // The first process of a container outlives it: it ends once the model is loaded.
    process.kill(process.pid, signal);
  };
  const remove = () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return {
    remove,
    /** With which to end, where a signal came and the process is still there. */
    get status(): number | undefined {
      return status;
    },
  };
};

/** The first signal stops gracefully; the second one at once. SIGHUP reads the pipeline files again. */
export const stopOnSignals = (supervisor: Supervisor, log: Log, close: () => Promise<unknown>, reloader: Reloader) => {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      // A thread that is ended in the middle of native code takes the process with it: SIGABRT, and a core dump.
      const exit = () => process.exit(statusOf(signal));
      setTimeout(exit, CLOSE_MS);
      void close().then(exit, exit);
      return;
    }
    stopping = true;
    log.info(`${signal}: finishing what is in flight; once more stops at once`);
    void supervisor.stop();
  };
  // A terminal that is closed sends it as well; whoever started the stream there does not want it to live on.
  const hangUp = () => {
    if (process.stdin.isTTY || process.stderr.isTTY) stop('SIGHUP');
    else void reloader.reload();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', hangUp);
  return {
    remove: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      process.off('SIGHUP', hangUp);
    },
  };
};
