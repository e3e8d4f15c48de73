import { availableParallelism } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { conflict } from '../../core/refusal.ts';
import { checkLocal, type LocalParts, localModel, usableProvider } from '../load-local.ts';
import type { ModelFiles } from '../manifest.ts';
import type { OnnxModel } from '../onnx/model.ts';
import { AdaptiveAllocations } from './adaptive.ts';
import type { DeploymentChanges, DeploymentParameters } from './options.ts';

export type DeploymentState = 'starting' | 'started' | 'stopping' | 'failed';

/** What a deployment has where nobody says otherwise. */
export const QUEUE_CAPACITY = 1024;
const CACHE_SIZE = 16 * 1024 * 1024;

/** A model's files, and which version of which model they are. */
export interface Deployable {
  readonly files: ModelFiles;
  readonly model_id: string;
  readonly version: string | undefined;
}

/** A model that was started by name, with the parameters it was started with. */
export class ServedDeployment {
  readonly deployment_id: string;
  readonly started_at: number;
  /** Why it failed. */
  reason: string | undefined;
  /** Resolves once one allocation can infer, and once all can. @throws what loading throws */
  readonly started: Promise<void>;
  readonly fullyAllocated: Promise<void>;
  #parameters: DeploymentParameters;
  #state: DeploymentState = 'starting';
  #model: OnnxModel | undefined;
  #adaptive: AdaptiveAllocations | undefined;
  #deployable: Deployable;
  readonly #parts: LocalParts;
  readonly #clock: Clock;

  constructor(parameters: DeploymentParameters, deployable: Deployable, parts: LocalParts, clock: Clock) {
    this.deployment_id = parameters.deployment_id ?? parameters.model_id;
    this.started_at = clock.now();
    this.#parameters = parameters;
    this.#deployable = deployable;
    this.#parts = parts;
    this.#clock = clock;
    const ready = Promise.withResolvers<void>();
    this.started = ready.promise;
    this.fullyAllocated = this.#run(ready.resolve);
    this.fullyAllocated.then(ready.resolve, ready.reject);
    // Whoever waits for it is told; where nobody does, the state tells.
    this.started.catch(() => {});
    this.fullyAllocated.catch(() => {});
  }

  get parameters(): DeploymentParameters {
    return this.#parameters;
  }

  get state(): DeploymentState {
    return this.#state;
  }

  get deployable(): Deployable {
    return this.#deployable;
  }

  /** Allocations that there shall be, as far as nobody follows the load. */
  get number_of_allocations(): number {
    const { number_of_allocations, adaptive_allocations } = this.#parameters;
    if (adaptive_allocations?.enabled === true) {
      const wanted = this.#model?.deployment.stats.target_allocations;
      return wanted ?? Math.max(1, adaptive_allocations.min_number_of_allocations);
    }
    return number_of_allocations ?? 1;
  }

  /**
   * What infers.
   * @throws Refusal where it cannot, yet or any more
   */
  get model(): OnnxModel {
    if (this.#model !== undefined && this.#state !== 'stopping') return this.#model;
    throw conflict(
      this.#state === 'starting'
        ? `Trained model deployment [${this.deployment_id}] is not allocated to any nodes`
        : `Trained model [${this.deployment_id}] is [${this.#state}]`,
    );
  }

  get running(): OnnxModel | undefined {
    return this.#model;
  }

  /** @throws what loading the model throws; the deployment then is as it was */
  async update(changes: DeploymentChanges): Promise<void> {
    await this.fullyAllocated;
    const { deployment } = this.model;
    const before = this.#parameters;
    const { number_of_allocations, adaptive_allocations, queue_capacity } = changes;
    const adaptive =
      adaptive_allocations ?? (number_of_allocations === undefined ? before.adaptive_allocations : undefined);
    this.#parameters = {
      ...before,
      number_of_allocations: number_of_allocations ?? before.number_of_allocations,
      adaptive_allocations: adaptive,
      queue_capacity: queue_capacity ?? before.queue_capacity,
    };
    if (queue_capacity !== undefined) deployment.queue_capacity = queue_capacity;
    this.#adaptive?.stop();
    this.#adaptive = undefined;
    try {
      if (number_of_allocations !== undefined) await deployment.scale(number_of_allocations);
      else if (adaptive?.enabled === true) await deployment.scale(this.#bounded(deployment.stats.target_allocations));
    } catch (error) {
      this.#parameters = before;
      throw error;
    } finally {
      this.#follow();
    }
  }

  /**
   * Puts another version of the model in the place of the one that runs. New requests go to it once it can infer; those
   * that are in flight end where they are.
   * @throws what loading the model throws; then the old one goes on
   */
  async exchange(deployable: Deployable): Promise<void> {
    await this.fullyAllocated;
    const old = this.model;
    const next = await this.#load(deployable);
    await next.deployment.start();
    this.#adaptive?.stop();
    this.#model = next;
    this.#deployable = deployable;
    this.#follow();
    await old.deployment.drain();
    await old.deployment.close();
  }

  /** Requests in flight are answered with an error unless `finish` lets them end. */
  async stop(finish: boolean): Promise<void> {
    this.#state = 'stopping';
    this.#adaptive?.stop();
    await this.fullyAllocated.catch(() => {});
    if (finish) await this.#model?.deployment.drain();
    await this.#model?.deployment.close();
  }

  async #run(ready: () => void): Promise<void> {
    try {
      const model = await this.#load(this.#deployable);
      this.#model = model;
      void model.deployment.firstReady.then(() => {
        if (this.#state === 'starting') this.#state = 'started';
        ready();
      });
      await model.deployment.start();
      this.#follow();
    } catch (error) {
      if (this.#state !== 'stopping') this.#state = 'failed';
      this.#model = undefined;
      this.reason = messageOf(error);
      throw error;
    }
  }

  async #load({ files }: Deployable): Promise<OnnxModel> {
    const sha256 = await checkLocal(files, this.#parts);
    const { threads_per_allocation, queue_capacity, cache_size, timeout, priority } = this.#parameters;
    const asked = this.#parameters.execution_provider;
    const execution_provider = await usableProvider(files, sha256, asked, this.#parts);
    return localModel(
      files,
      sha256,
      {
        number_of_allocations: this.number_of_allocations,
        threads_per_allocation,
        queue_capacity: queue_capacity ?? QUEUE_CAPACITY,
        cache_size: cache_size ?? CACHE_SIZE,
        timeout,
        execution_provider,
        low_priority: priority === 'low',
      },
      this.#parts,
    );
  }

  #follow(): void {
    const { adaptive_allocations: options } = this.#parameters;
    if (options?.enabled !== true || this.#model === undefined || this.#state === 'stopping') return;
    this.#adaptive = new AdaptiveAllocations({
      id: this.deployment_id,
      options: {
        min_number_of_allocations: options.min_number_of_allocations,
        max_number_of_allocations: this.#most,
      },
      deployment: this.#model.deployment,
      clock: this.#clock,
      log: this.#parts.log,
    });
  }

  get #most(): number {
    const { adaptive_allocations: options } = this.#parameters;
    return (
      options?.max_number_of_allocations ?? Math.max(availableParallelism(), options?.min_number_of_allocations ?? 1)
    );
  }

  #bounded(count: number): number {
    return Math.min(this.#most, Math.max(count, this.#parameters.adaptive_allocations?.min_number_of_allocations ?? 0));
  }
}
