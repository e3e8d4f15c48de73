import type { Source } from '../../core/contracts.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { CrashJournal, journalFolder } from '../../inference/crash-journal.ts';
import { trialRun } from '../../inference/trial.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { healthServer, splitAddress } from '../../server/health.ts';
import type { Selection } from '../../sources/selected-source.ts';
import { buildStream, sharedByStreams } from '../build-stream.ts';
import { type LoadedStream, mustLoad, type Override } from '../load-stream.ts';
import { createLog } from '../log.ts';
import { createProgress } from '../progress.ts';
import { printSummary } from '../summary.ts';

export interface RunOptions {
  readonly json?: boolean;
  readonly http?: string;
  readonly search?: string;
  readonly resume?: boolean;
  readonly selection?: Selection;
  readonly rate?: number;
  readonly parallel?: number;
  readonly inFlightBytes?: number;
  readonly allowMixedVectors?: boolean;
  readonly override?: Override;
  /** In place of the file's source: one that ends. */
  readonly source?: () => Source;
  readonly append?: boolean;
}

/** Runs pipeline files until they end or a signal comes. Answers with the exit status. */
export const run = async (files: readonly string[], options: RunOptions): Promise<number> => {
  const showBar = process.stderr.isTTY === true && options.json !== true;
  let print = (text: string): void => void process.stderr.write(text);
  const log = createLog(options.json === true, (text) => print(text));
  // Before models are loaded, which takes a while.
  if (options.http !== undefined) splitAddress(options.http);
  const loaded = files.map((file) => mustLoad(file, log, options.override));
  refuseTwins(loaded);
  const journal = openJournal(loaded, log);
  for (const { models } of loaded) await models.start(trialRun, journal);
  const finite = loaded.length === 1 && (options.source !== undefined || loaded[0]!.config.source.dump !== undefined);
  // There is a bar for a single stream only.
  const counts = () => {
    const counters = streams[0]?.counters;
    return { read: counters?.documents_read ?? 0, settled: counters?.settledTotal ?? 0 };
  };
  const progress = createProgress(counts, showBar && finite);
  print = progress.print;
  const shared = sharedByStreams(loaded, options.inFlightBytes);
  const streams = loaded.map((stream) =>
    buildStream(stream, { ...options, log, shared, ...(finite && { progress: progress.update }) }),
  );
  const views = streams.map((stream, at) => ({
    stream,
    steps: loaded[at]!.traits.steps,
    models: loaded[at]!.models,
  }));
  const supervisor = new Supervisor(streams, log);
  const signals = stopOnSignals(supervisor, log, () => Promise.all(loaded.map(({ models }) => models.close())));
  let server: Awaited<ReturnType<typeof healthServer>> | undefined;
  try {
    if (options.http !== undefined) server = await healthServer(supervisor, views, options.http);
    await supervisor.start();
    const results = await supervisor.done();
    progress.stop();
    print = (text) => void process.stderr.write(text);
    const failed = results.find(({ error }) => error !== undefined)?.error;
    if (failed !== undefined) throw failed;
    for (const [index, stream] of streams.entries())
      await printSummary(loaded[index]!, stream, {
        json: options.json === true,
        search: options.search,
      });
    return 0;
  } finally {
    progress.stop();
    signals.remove();
    await server?.close();
    await Promise.all(loaded.map(({ models }) => models.close()));
    journal?.close();
  }
};

/** Only models that run in this process can end it. */
const openJournal = (loaded: readonly LoadedStream[], log: ReturnType<typeof createLog>): CrashJournal | undefined => {
  if (!loaded.some(({ models }) => models.hasLocal)) return undefined;
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

const refuseTwins = (loaded: readonly LoadedStream[]): void => {
  const names = new Set<string>();
  for (const { name, file } of loaded) {
    if (names.has(name))
      throw new SluiceError('SLUICE_CONFIG_INVALID', `two streams are called [${name}]`, {
        place: file,
        hint: 'Give each file a name of its own.',
      });
    names.add(name);
  }
};

/** How long models may take to leave their native code before the process ends regardless. */
const CLOSE_MS = 1000;

/** The first signal stops gracefully; the second one at once. */
const stopOnSignals = (supervisor: Supervisor, log: ReturnType<typeof createLog>, close: () => Promise<unknown>) => {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      // A thread that is ended in the middle of native code takes the process with it: SIGABRT, and a core dump.
      const exit = () => process.exit(signal === 'SIGINT' ? 130 : 143);
      setTimeout(exit, CLOSE_MS);
      void close().then(exit, exit);
      return;
    }
    stopping = true;
    log.info(`${signal}: finishing what is in flight; once more stops at once`);
    void supervisor.stop();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    remove: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
};
