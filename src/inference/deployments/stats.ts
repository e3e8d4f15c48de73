import type { PlainObject } from '../../core/json/values.ts';
import type { ServedDeployment } from './served-deployment.ts';

/** The process, as a node of Elasticsearch's answers. */
export interface NodeIdentity {
  readonly id: string;
  readonly name: string;
  readonly transport_address: string;
}

/** Bytes of a model's graph and the weights beside it. */
export const modelBytes = ({ deployable }: ServedDeployment): number =>
  Object.values(deployable.files.manifest.size ?? {}).reduce((sum, bytes) => sum + bytes, 0);

/** `assignment` of the answers to start and update. */
export const assignmentOf = (deployment: ServedDeployment, node: NodeIdentity): PlainObject => {
  const { parameters, deployment_id, state, reason, started_at, number_of_allocations, running } = deployment;
  const stats = running?.deployment.stats;
  const current = stats?.allocations ?? 0;
  return {
    task_parameters: {
      model_id: deployment.deployable.model_id,
      deployment_id,
      model_bytes: modelBytes(deployment),
      threads_per_allocation: parameters.threads_per_allocation,
      number_of_allocations,
      queue_capacity: queueCapacity(deployment),
      ...(parameters.cache_size !== undefined && { cache_size: `${parameters.cache_size}b` }),
      priority: parameters.priority,
    },
    routing_table: {
      [node.id]: {
        routing_state: { started: 'started', starting: 'starting', stopping: 'stopping', failed: 'failed' }[state],
        reason: reason ?? '',
        current_allocations: current,
        target_allocations: number_of_allocations,
      },
    },
    assignment_state: state,
    ...(reason !== undefined && { reason }),
    start_time: new Date(started_at).toISOString(),
    max_assigned_allocations: Math.max(current, number_of_allocations),
    ...adaptiveOf(deployment),
  };
};

/** `deployment_stats` of `_ml/trained_models/_stats`. */
export const deploymentStats = (deployment: ServedDeployment, node: NodeIdentity): PlainObject => {
  const { parameters, deployment_id, state, reason, started_at, number_of_allocations, running } = deployment;
  const stats = running?.deployment.stats;
  const of = stats?.counters;
  const sums = {
    ...(of !== undefined && of.errors > 0 && { error_count: of.errors }),
    ...(of !== undefined && of.rejected > 0 && { rejected_execution_count: of.rejected }),
    ...(of !== undefined && of.expired > 0 && { timeout_count: of.expired }),
  };
  return {
    deployment_id,
    model_id: deployment.deployable.model_id,
    threads_per_allocation: parameters.threads_per_allocation,
    number_of_allocations,
    ...adaptiveOf(deployment),
    queue_capacity: queueCapacity(deployment),
    ...(parameters.cache_size !== undefined && { cache_size: `${parameters.cache_size}b` }),
    priority: parameters.priority,
    state,
    ...(reason !== undefined && { reason }),
    ...(state !== 'stopping' && {
      allocation_status: {
        allocation_count: stats?.allocations ?? 0,
        target_allocation_count: number_of_allocations,
        state: allocationState(stats?.allocations ?? 0, number_of_allocations),
      },
    }),
    ...sums,
    inference_count: of?.inference_count ?? 0,
    start_time: started_at,
    peak_throughput_per_minute: of?.minutes.peak ?? 0,
    nodes: [nodeStats(deployment, node, sums)],
  };
};

const nodeStats = (deployment: ServedDeployment, node: NodeIdentity, sums: PlainObject): PlainObject => {
  const { running, parameters, state, reason, started_at } = deployment;
  const who = {
    [node.id]: {
      name: node.name,
      ephemeral_id: node.id,
      transport_address: node.transport_address,
      external_id: node.name,
      attributes: {},
      roles: ['ingest', 'ml'],
    },
  };
  if (running === undefined || state === 'failed')
    return { node: who, routing_state: { routing_state: state, reason: reason ?? '' } };
  const stats = running.deployment.stats;
  const { counters } = stats;
  const { cache, hits } = running;
  const answered = counters.inference_count + cache.hits;
  const last = counters.minutes.last;
  return {
    node: who,
    routing_state: { routing_state: state },
    inference_count: answered,
    ...(answered > 0 && { average_inference_time_ms: (1000 * counters.busy) / answered }),
    ...(counters.inference_count > 0 && {
      average_inference_time_ms_excluding_cache_hits: (1000 * counters.busy) / counters.inference_count,
    }),
    inference_cache_hit_count: cache.hits,
    ...(counters.last_access !== undefined && { last_access: counters.last_access }),
    number_of_pending_requests: stats.queued + stats.running,
    ...sums,
    start_time: started_at,
    threads_per_allocation: parameters.threads_per_allocation,
    number_of_allocations: stats.allocations,
    peak_throughput_per_minute: counters.minutes.peak,
    throughput_last_minute: last.count,
    ...(last.count > 0 && { average_inference_time_ms_last_minute: (1000 * last.sum) / last.count }),
    inference_cache_hit_count_last_minute: hits.last.count,
  };
};

const queueCapacity = ({ parameters, running }: ServedDeployment): number =>
  running?.deployment.queue_capacity ?? parameters.queue_capacity ?? 1024;

const adaptiveOf = ({ parameters: { adaptive_allocations: options } }: ServedDeployment): PlainObject =>
  options === undefined
    ? {}
    : {
        adaptive_allocations: {
          enabled: options.enabled,
          min_number_of_allocations: options.min_number_of_allocations,
          ...(options.max_number_of_allocations !== undefined && {
            max_number_of_allocations: options.max_number_of_allocations,
          }),
        },
      };

const allocationState = (count: number, target: number): string =>
  count === 0 && target > 0 ? 'starting' : count < target ? 'started' : 'fully_allocated';
