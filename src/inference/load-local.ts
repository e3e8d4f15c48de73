import type { CrashJournal } from './crash-journal.ts';
import type { DiskResults } from './disk/results.ts';
import { type ModelFiles, verifyChecksums } from './manifest.ts';
import { type OnnxModel, onnxModel } from './onnx/model.ts';
import type { InferenceOutput } from './onnx/protocol.ts';
import { scriptBeside } from './script.ts';

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
    log,
    crashes: journal && { journal, identity: sha256 },
  });

export const onnxTrial = (files: ModelFiles, sha256: string): Trial => ({
  id: files.manifest.id,
  folder: files.folder,
  script: scriptBeside(import.meta.url, 'onnx/trial-child'),
  argument: files,
  sha256,
});
