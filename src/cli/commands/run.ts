import type { Source } from '../../core/contracts.ts';
import { SluiceError } from '../../core/errors.ts';
import { trialRun } from '../../inference/trial.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { healthServer, splitAddress } from '../../server/health.ts';
import { streamHealth } from '../../server/stream-health.ts';
import type { DryRunReport } from '../../sinks/dry_run/report.ts';
import type { Selection } from '../../sources/selected-source.ts';
import { buildStream, endsByItself, sharedByStreams } from '../build-stream.ts';
import { type LoadedStream, mustLoad, type Override } from '../load-stream.ts';
import { createLog } from '../log.ts';
import { openJournal } from '../open-journal.ts';
import { createProgress } from '../progress.ts';
import { Reloader, type Running } from '../reload.ts';
import { endOnSignals, stopOnSignals } from '../signals.ts';
import { printSummary } from '../summary.ts';
import { startTracing, stopTracing } from '../tracing.ts';

export interface RunOptions {
  readonly json?: boolean;
  readonly http?: string;
  readonly search?: string;
  readonly resume?: boolean;
  readonly selection?: Selection;
  readonly rate?: number;
  readonly parallel?: number;
  readonly dryRun?: DryRunReport;
  readonly inFlightBytes?: number;
  /** Takes in pipeline files when they change, as SIGHUP does. */
  readonly watch?: boolean;
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
  const journal = loaded.some(({ models }) => models.hasLocal) ? openJournal(log) : undefined;
  const startModels = ({ models }: LoadedStream) => models.start(trialRun, journal);
  const early = endOnSignals(log);
  for (const stream of loaded) if (early.status === undefined) await startModels(stream);
  await startTracing(log);
  const finite = loaded.length === 1 && (options.source !== undefined || endsByItself(loaded[0]!.config));
  // There is a bar for a single stream only.
  const counts = () => {
    const counters = running[0]?.stream.counters;
    return {
      read: counters?.documents_read ?? 0,
      settled: counters?.settledTotal ?? 0,
      failed: counters?.settled.dead_lettered ?? 0,
    };
  };
  const progress = createProgress(counts, showBar && finite);
  print = progress.print;
  const shared = sharedByStreams(loaded, options.inFlightBytes);
  const build = (stream: LoadedStream) =>
    buildStream(stream, { ...options, log, shared, ...(finite && { progress: progress.update }) });
  const running: Running[] = loaded.map((one) => ({ loaded: one, stream: build(one) }));
  const views = () =>
    running.map(({ stream, loaded: { traits, models } }) => ({ stream, steps: traits.steps, models }));
  const closeModels = () => Promise.all(running.map(({ loaded: { models } }) => models.close()));
  const supervisor = new Supervisor(
    running.map(({ stream }) => stream),
    log,
  );
  const load = (file: string) => mustLoad(file, log, options.override);
  const reloader = new Reloader({ running, supervisor, load, startModels, build, log });
  const signals = stopOnSignals(supervisor, log, closeModels, reloader);
  early.remove();
  const unwatch = options.watch === true ? reloader.watch() : () => {};
  let server: Awaited<ReturnType<typeof healthServer>> | undefined;
  try {
    if (early.status !== undefined) return early.status;
    if (options.http !== undefined) server = await healthServer(streamHealth(supervisor, views), options.http);
    await supervisor.start();
    const results = await supervisor.done();
    progress.stop();
    print = (text) => void process.stderr.write(text);
    const failed = results.find(({ error }) => error !== undefined)?.error;
    if (failed !== undefined) throw failed;
    for (const one of running)
      await printSummary(one.loaded, one.stream, {
        json: options.json === true,
        search: options.search,
      });
    return 0;
  } finally {
    progress.stop();
    signals.remove();
    unwatch();
    await server?.close();
    await closeModels();
    await stopTracing();
    journal?.close();
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
