import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { SluiceError } from '../core/errors.ts';
import type { CacheStats } from './cache.ts';
import { type BoundEngine, type BoundModel, PipelineInference } from './client.ts';
import type { CrashJournal } from './crash-journal.ts';
import type { DeploymentStats } from './deployment.ts';
import { DiskCaches } from './disk/results.ts';
import { resultIdentity } from './identity.ts';
import { checkLocal, type LocalParts, localModel, type ModelLog, type TrialRun, usableProvider } from './load-local.ts';
import { type ModelFiles, readModel } from './manifest.ts';
import type { OnnxModel } from './onnx/model.ts';
import type { InferenceOutput } from './onnx/protocol.ts';
import { type LocalModelOptions, longTextOf } from './options.ts';
import { packageRoot } from './package-root.ts';
import type { SemanticTextOptions } from './semantic-text.ts';
import { ModelStore, usable } from './store/store.ts';
import type { LongText } from './windows.ts';

/** An engine behind the same processor: a model that runs elsewhere, or in another way. */
export interface Engine extends BoundEngine {
  /** True where a model's native code runs in this process. */
  readonly native: boolean;
  start(trial: TrialRun | undefined, journal: CrashJournal | undefined, disks?: DiskCaches): Promise<void>;
  /** What its deployment did, where it has one. */
  readonly stats?: DeploymentStats | undefined;
  readonly cache?: CacheStats | undefined;
  /** What came from disk. */
  readonly disk?: CacheStats | undefined;
  close(): Promise<void>;
}

interface LocalEntry {
  readonly id: string;
  readonly options: LocalModelOptions;
  readonly files: ModelFiles;
  running: OnnxModel | undefined;
  sha256: string;
}

/** The models of one stream: looked at when the pipeline is compiled, loaded when the stream starts. */
export class ModelSet {
  readonly #local = new Map<string, LocalEntry>();
  readonly #engines = new Map<string, Engine>();
  readonly #log: ModelLog;
  readonly #disks: DiskCaches;

  constructor(log: ModelLog) {
    this.#log = log;
    this.#disks = new DiskCaches(log);
  }

  /** @throws SluiceError SLUICE_MODEL_MISSING, SLUICE_MODEL_INVALID */
  addLocal(id: string, options: LocalModelOptions, pipelineFile: string): void {
    const files = readModel(locateModel(options, pipelineFile), options);
    this.#local.set(id, { id, options, files, running: undefined, sha256: '' });
  }

  addEngine(id: string, engine: Engine): void {
    this.#engines.set(id, engine);
  }

  files(id: string): ModelFiles | undefined {
    return this.#local.get(id)?.files;
  }

  longText(id: string): LongText {
    return longTextOf(this.#local.get(id)?.options ?? {});
  }

  semanticText(id: string): SemanticTextOptions | undefined {
    return this.#local.get(id)?.options.semantic_text;
  }

  /** The graph's checksum, once the models are started. */
  sha256(id: string): string {
    return this.#local.get(id)?.sha256 ?? '';
  }

  client(): PipelineInference {
    const bound = new Map<string, BoundModel>();
    for (const [id, entry] of this.#local) {
      bound.set(id, {
        manifest: entry.files.manifest,
        longText: longTextOf(entry.options),
        semanticText: entry.options.semantic_text,
        infer: (request, done) => entry.running!.infer(request, done),
      });
    }
    return new PipelineInference(bound, this.#engines);
  }

  /** True where a model's native code runs in this process. */
  get hasLocal(): boolean {
    return this.#local.size > 0 || [...this.#engines.values()].some(({ native }) => native);
  }

  /** Loads every model; the checksums first, so that the mappings can name them. */
  async start(trial: TrialRun | undefined, journal?: CrashJournal): Promise<void> {
    const parts: LocalParts = { trial, journal, log: this.#log };
    for (const entry of this.#local.values()) {
      const { options, files } = entry;
      entry.sha256 = await checkLocal(files, parts);
      const disk =
        options.disk_cache &&
        (await this.#disks.results<InferenceOutput>(options.disk_cache, await resultIdentity(files, entry.sha256)));
      const number_of_allocations = options.number_of_allocations ?? availableParallelism();
      const execution_provider = await usableProvider(files, entry.sha256, options.execution_provider, parts);
      const run = { ...options, number_of_allocations, execution_provider };
      const model = localModel(files, entry.sha256, run, parts, disk);
      await model.deployment.start();
      entry.running = model;
    }
    for (const engine of this.#engines.values()) await engine.start(trial, journal, this.#disks);
  }

  /** What the caches of this process did, by the model's name in the pipeline file. */
  get caches(): ReadonlyMap<string, CacheStats> {
    const all = [
      ...[...this.#local].map(([id, { running }]) => [id, running?.cache] as const),
      ...[...this.#engines].map(([id, { cache }]) => [id, cache] as const),
    ];
    return new Map(all.flatMap(([id, cache]) => (cache === undefined ? [] : [[id, cache]])));
  }

  /** The same of what they keep on disk. */
  get diskCaches(): ReadonlyMap<string, CacheStats> {
    const all = [
      ...[...this.#local].map(([id, { running }]) => [id, running?.disk] as const),
      ...[...this.#engines].map(([id, { disk }]) => [id, disk] as const),
    ];
    return new Map(all.flatMap(([id, disk]) => (disk === undefined ? [] : [[id, disk]])));
  }

  /** What the deployments of this process did, by the model's name in the pipeline file. */
  get stats(): ReadonlyMap<string, DeploymentStats> {
    const all = [
      ...[...this.#local].map(([id, { running }]) => [id, running?.deployment.stats] as const),
      ...[...this.#engines].map(([id, { stats }]) => [id, stats] as const),
    ];
    return new Map(all.flatMap(([id, stats]) => (stats === undefined ? [] : [[id, stats]])));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#local.values()].map(({ running }) => running?.deployment.close()));
    await Promise.all([...this.#engines.values()].map((engine) => engine.close()));
    await this.#disks.close();
  }
}

/** The folder of a model of a pipeline file: of its path, or of the version that its name in the store means now. */
export const locateModel = (
  { path, model_id }: Pick<LocalModelOptions, 'path' | 'model_id'>,
  pipelineFile: string,
): string =>
  model_id === undefined ? findModel(path ?? '', pipelineFile) : usable(new ModelStore().find(model_id)).folder;

/** From the working folder, beside the pipeline file, or among the bundled models. */
export const findModel = (path: string, pipelineFile: string): string => {
  if (isAbsolute(path)) return path;
  const places = [
    resolve(path),
    resolve(dirname(pipelineFile), path),
    join(packageRoot, path),
    join(packageRoot, 'models', path),
  ];
  const found = places.find((place) => existsSync(join(place, 'config.json')));
  if (found !== undefined) return found;
  throw new SluiceError('SLUICE_MODEL_MISSING', `the model [${path}] is not there`, {
    place: pipelineFile,
    hint: `Looked in ${[...new Set(places)].join(', ')}. The bundled model is [models/minilm-l6-enrich-en].`,
  });
};
