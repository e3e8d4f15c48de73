import { type Clock, systemClock } from '../../core/clock.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import { badRequest, conflict, notFound, Refusal, timedOut } from '../../core/refusal.ts';
import { type BoundTask, bindTask, type PrefixType } from '../bound-task.ts';
import type { LocalParts } from '../load-local.ts';
import type { ModelStore } from '../store/store.ts';
import { usable } from '../store/store.ts';
import { inferTexts, type TextOutcome } from './infer-texts.ts';
import type { DeploymentChanges, DeploymentParameters } from './options.ts';
import { type Deployable, ServedDeployment } from './served-deployment.ts';

export interface DeploymentsParts extends LocalParts {
  readonly store: ModelStore;
  readonly clock?: Clock;
  /** What was started, stopped or changed shall be found after a restart. */
  readonly changed?: () => void;
}

export interface InferRequest {
  readonly texts: readonly string[];
  readonly config: InferenceConfig | undefined;
  readonly prefix?: PrefixType;
  /** Milliseconds until those without an answer are given up. */
  readonly timeout: number;
  /** Aborted where the caller went away. */
  readonly signal?: AbortSignal | undefined;
}

export type WaitFor = 'starting' | 'started' | 'fully_allocated';

/** The deployments of a process, by their names, as Elasticsearch's trained model API manages them. */
export class Deployments {
  readonly #parts: DeploymentsParts;
  readonly #clock: Clock;
  readonly #all = new Map<string, ServedDeployment>();

  constructor(parts: DeploymentsParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
  }

  get list(): readonly ServedDeployment[] {
    return [...this.#all.values()];
  }

  get(deployment_id: string): ServedDeployment | undefined {
    return this.#all.get(deployment_id);
  }

  /** True for a deployment's name, and for a model that could be started. */
  knows(name: string): boolean {
    if (this.#all.has(name)) return true;
    try {
      return this.#parts.store.find(name) !== undefined;
    } catch {
      return false;
    }
  }

  /** Those that run a model, by its id, its versions' names or an alias of it. */
  of(model: string): ServedDeployment[] {
    const { id, version } = this.#parts.store.resolve(model);
    return this.list.filter(
      ({ deployable }) => deployable.model_id === id && (version === undefined || deployable.version === version),
    );
  }

  /**
   * Starts a deployment; it goes on starting where the time is up.
   * @throws Refusal 400, 404, 408; SluiceError where the model cannot be loaded
   */
  async start(
    parameters: DeploymentParameters,
    waitFor: WaitFor = 'started',
    timeout = 30_000,
  ): Promise<ServedDeployment> {
    const id = parameters.deployment_id ?? parameters.model_id;
    if (this.#all.has(id))
      throw new Refusal(
        400,
        'resource_already_exists_exception',
        `assignment for deployment with id [${id}] already exists`,
      );
    const deployment = new ServedDeployment(
      parameters,
      this.#deployable(parameters.model_id),
      this.#parts,
      this.#clock,
    );
    this.#all.set(id, deployment);
    deployment.fullyAllocated.catch((error: unknown) =>
      this.#parts.log.warn('the deployment could not be started', { deployment: id, error: messageOf(error) }),
    );
    this.#parts.changed?.();
    if (waitFor === 'starting') return deployment;
    await this.#within(
      waitFor === 'started' ? deployment.started : deployment.fullyAllocated,
      timeout,
      () =>
        `Timed out after [${timeout}ms] waiting for model deployment to start. Use the trained model stats API to track the state of the deployment and try again once it has started.`,
    );
    return deployment;
  }

  /** @throws Refusal 404 */
  async update(deployment_id: string, changes: DeploymentChanges): Promise<ServedDeployment> {
    const deployment = this.#must(deployment_id);
    await deployment.update(changes);
    this.#parts.changed?.();
    return deployment;
  }

  /**
   * @param finish lets what is in flight end first
   * @throws Refusal 404
   */
  async stop(deployment_id: string, finish = false): Promise<void> {
    const deployment = this.#must(deployment_id);
    await deployment.stop(finish);
    this.#all.delete(deployment_id);
    this.#parts.changed?.();
  }

  /** Puts the version that is current now, or that an alias means now, in the place of the one that runs. */
  async refresh(): Promise<void> {
    for (const deployment of this.list) {
      const { parameters, deployable, deployment_id, state } = deployment;
      try {
        const now = this.#deployable(parameters.model_id);
        if (state !== 'started' || now.files.folder === deployable.files.folder) continue;
        await deployment.exchange(now);
        this.#parts.log.info('the deployment runs another version of its model', {
          deployment: deployment_id,
          version: now.version,
          before: deployable.version,
        });
      } catch (error) {
        this.#parts.log.warn('the deployment stays with its version', {
          deployment: deployment_id,
          error: messageOf(error),
        });
      }
    }
  }

  /**
   * One outcome for each text, in their order.
   * @throws Refusal 400, 404, 408, 409, 429
   */
  infer(name: string, { texts, config, prefix, timeout, signal }: InferRequest): Promise<TextOutcome[]> {
    const deployment = this.pick(name);
    const { model } = deployment;
    const task = this.bind(deployment, config, prefix);
    return inferTexts({ model, task, texts, timeout, signal, clock: this.#clock });
  }

  /**
   * A deployment by its own name, or one of those of a model.
   * @throws Refusal 404, 409
   */
  pick(name: string): ServedDeployment {
    const own = this.#all.get(name);
    if (own !== undefined) return own;
    const deployments = this.#find(name);
    const [least] = deployments
      .filter(({ state }) => state === 'started')
      .sort((a, b) => (a.running?.deployment.stats.queued ?? 0) - (b.running?.deployment.stats.queued ?? 0));
    const picked = least ?? deployments[0];
    if (picked !== undefined) return picked;
    throw conflict(
      `Model [${name}] must be deployed to use. Please deploy with the start trained model deployment API.`,
    );
  }

  /** @throws Refusal 400 */
  bind({ deployable }: ServedDeployment, config: InferenceConfig | undefined, prefix?: PrefixType): BoundTask {
    try {
      return bindTask(deployable.files.manifest, deployable.model_id, config, { prefix });
    } catch (error) {
      throw badRequest(messageOf(error));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.list.map((deployment) => deployment.stop(false)));
    this.#all.clear();
  }

  #find(name: string): ServedDeployment[] {
    try {
      const found = this.of(name);
      if (found.length > 0) return found;
      this.#parts.store.find(name);
      return [];
    } catch (error) {
      if (error instanceof SluiceError) throw notFound(`Could not find trained model [${name}]`);
      throw error;
    }
  }

  #deployable(name: string): Deployable {
    const { store } = this.#parts;
    try {
      const { id, version, folder, manifest } = usable(store.find(name));
      return { files: { folder, manifest }, model_id: id, version };
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'SLUICE_MODEL_MISSING')
        throw notFound(`Could not find trained model [${name}]`);
      throw error;
    }
  }

  #must(deployment_id: string): ServedDeployment {
    const deployment = this.#all.get(deployment_id);
    if (deployment !== undefined) return deployment;
    throw notFound(`deployment for model with id [${deployment_id}] not found`);
  }

  #within(promise: Promise<void>, ms: number, reason: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => reject(timedOut(reason())));
      promise.then(resolve, reject).finally(cancel);
    });
  }
}
