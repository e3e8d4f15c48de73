import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../core/errors.ts';
import type { Trial, TrialRun } from './load-local.ts';

const TRIAL_TIMEOUT_MS = 300_000;
const HEAP_MB = 1024;

/** Where marks of models lie that were tried on this machine. */
export const marksFolder = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sluice', 'verified');

/** A crash depends on the graph, the runtime and the machine's kind. */
const markOf = (sha256: string): string =>
  join(marksFolder(), `${sha256}-ort${runtimeVersion()}-${process.platform}-${process.arch}`);

const runtimeVersion = (): string =>
  (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;

/**
 * Loads a model that was never loaded on this machine in a child process first: a crash in native code ends the process
 * it happens in, whatever threads it has.
 */
export const trialRun: TrialRun = async (trial, log) => {
  const mark = markOf(trial.sha256);
  if (existsSync(mark)) return;
  log.info('trying the model in a process of its own, once on this machine', { model: trial.id });
  await runTrial(trial);
  try {
    mkdirSync(dirname(mark), { recursive: true });
    writeFileSync(mark, '');
  } catch {
    // Without a place for marks the trial is made every time.
  }
};

/** @throws SluiceError SLUICE_MODEL_INVALID, SLUICE_MODEL_CRASHED */
export const runTrial = async ({ script, argument, folder }: Trial): Promise<void> => {
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MB}`, fileURLToPath(script), JSON.stringify(argument)],
    { stdio: ['ignore', 'pipe', 'ignore'], timeout: TRIAL_TIMEOUT_MS, killSignal: 'SIGKILL' },
  );
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (told.length < 10_000) told += chunk.toString();
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  if (code === 0) return;
  if (code === 3) throw new SluiceError('SLUICE_MODEL_INVALID', told.trim(), { place: folder });
  throw new SluiceError(
    'SLUICE_MODEL_CRASHED',
    `the trial process ended with ${signal ?? `status ${code}`} while it loaded the model`,
    {
      place: folder,
      hint: 'The graph crashes ONNX Runtime on this machine, or needs more memory than there is. Use another file of the model.',
    },
  );
};
