import { messageOf } from '../core/errors.ts';
import type { CrashJournal } from './crash-journal.ts';
import type { DiskResults } from './disk/results.ts';
import { type ModelFiles, verifyChecksums } from './manifest.ts';
import { type OnnxModel, onnxModel } from './onnx/model.ts';
import type { InferenceOutput } from './onnx/protocol.ts';
import type { ExecutionProvider } from './onnx/provider.ts';
import { scriptBeside } from './script.ts';
import { runTrial } from './trial.ts';

/** A model to be tried: a script that loads it and runs one text, and what the script needs to know. */
export interface Trial {
  readonly id: string;
  readonly folder: string;
  readonly script: URL;
  readonly argument: object;
  readonly sha256: string;
}

export interface ModelLog {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
}

/** Checks a model in a process of its own, where a crash in native code does no harm. */
export type TrialRun = (trial: Trial, log: ModelLog) => Promise<void>;

/** How a local model shall run. */
export interface LocalRun {
  readonly number_of_allocations: number;
  readonly threads_per_allocation: number;
  readonly queue_capacity: number;
  readonly cache_size: number;
  readonly execution_provider?: ExecutionProvider | undefined;
  readonly low_priority?: boolean | undefined;
  /** Milliseconds a text may run before its thread is replaced. */
  readonly timeout: number;
}

/** What a process has for all its models. */
export interface LocalParts {
  readonly trial: TrialRun | undefined;
  readonly journal: CrashJournal | undefined;
  readonly log: ModelLog;
}

/**
 * Checks a model's files, and the model itself in a process of its own. Answers with the graph's checksum.
 * @throws SluiceError SLUICE_MODEL_MISSING, SLUICE_MODEL_INVALID, SLUICE_MODEL_CRASHED
 */
export const checkLocal = async (files: ModelFiles, { trial, log }: LocalParts): Promise<string> => {
  const sha256 = await verifyChecksums(files);
  await trial?.(onnxTrial(files, sha256), log);
  return sha256;
};

/**
 * Where a model can run: as asked, or on the processor with a warning. A provider that is missing, or whose driver ends
 * the process, is found out in a process of its own.
 */
export const usableProvider = async (
  files: ModelFiles,
  sha256: string,
  asked: ExecutionProvider = 'cpu',
  { log }: LocalParts,
): Promise<ExecutionProvider> => {
  if (asked === 'cpu') return asked;
  try {
    await runTrial(onnxTrial(files, sha256, asked));
    return asked;
  } catch (error) {
    log.warn('the execution provider cannot be used, the model runs on the processor', {
      model: files.manifest.id,
      execution_provider: asked,
      error: messageOf(error),
    });
    return 'cpu';
  }
};

/** A model that was checked; its deployment is still to be started. */
export const localModel = (
  files: ModelFiles,
  sha256: string,
  run: LocalRun,
  { journal, log }: LocalParts,
  disk?: DiskResults<InferenceOutput>,
): OnnxModel =>
  onnxModel({
    model: files,
    sha256,
    disk,
    number_of_allocations: run.number_of_allocations,
    threads_per_allocation: run.threads_per_allocation,
    queue_capacity: run.queue_capacity,
    cache_size: run.cache_size,
    timeout_ms: run.timeout,
    execution_provider: run.execution_provider,
    low_priority: run.low_priority,
    log,
    crashes: journal && { journal, identity: sha256 },
  });

export const onnxTrial = (files: ModelFiles, sha256: string, provider?: ExecutionProvider): Trial => ({
  id: files.manifest.id,
  folder: files.folder,
  script: scriptBeside(import.meta.url, 'onnx/trial-child'),
  argument: provider === undefined ? files : { ...files, provider },
  sha256,
});
