import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Refusal } from '../../core/refusal.ts';
import { ModelStore } from '../store/store.ts';
import { Deployments } from './deployments.ts';
import { deploymentOptions } from './options.ts';
import { assignmentOf, deploymentStats } from './stats.ts';

const BUNDLED = 'minilm-l6-enrich-en';
const EMBEDDING = { text_embedding: {} };
const node = { id: 'n1', name: 'sluice', transport_address: '127.0.0.1:9280' };
const folder = mkdtempSync(join(tmpdir(), 'sluice-deployments-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const warnings: string[] = [];
const registry = (store = new ModelStore(folder)) =>
  new Deployments({
    store,
    trial: undefined,
    journal: undefined,
    log: { info: () => {}, warn: (message) => void warnings.push(message) },
  });
const refusal = (status: number, words: RegExp) => (error: unknown) => {
  assert.equal((error as Refusal).status, status, String(error));
  assert.match((error as Refusal).message, words);
  return true;
};
const parameters = (options: object) => deploymentOptions.parse({ model_id: BUNDLED, ...options });
const infer = (deployments: Deployments, name: string, texts: readonly string[], timeout = 60_000) =>
  deployments.infer(name, { texts, config: EMBEDDING, timeout });
const vectorOf = (outcome: unknown) => (outcome as { fields: { predicted_value: number[] } }).fields.predicted_value;

describe('deployments of the bundled model', () => {
  const deployments = registry();
  after(() => deployments.close());

  test('a model is found by its name only, and only where it runs', async () => {
    await assert.rejects(async () => infer(deployments, 'nobody', ['a']), refusal(404, /trained model \[nobody\]/));
    await assert.rejects(async () => infer(deployments, BUNDLED, ['a']), refusal(409, /must be deployed/));
  });

  test('two deployments of one model are apart', async () => {
    await deployments.start(parameters({ deployment_id: 'search', queue_capacity: 4 }), 'fully_allocated', 60_000);
    await deployments.start(parameters({ deployment_id: 'ingest', number_of_allocations: 2 }), 'started', 60_000);
    await assert.rejects(deployments.start(parameters({ deployment_id: 'search' })), refusal(400, /already exists/));
    const [one] = await infer(deployments, 'search', ['Rome is old.']);
    const [same] = await infer(deployments, BUNDLED, ['Rome is old.']);
    assert.equal(vectorOf(one).length, 384);
    assert.deepEqual(vectorOf(one), vectorOf(same));
    assert.equal(deployments.of(BUNDLED).length, 2);
  });

  test('a request has room as a whole or is refused as a whole', async () => {
    const texts = Array.from({ length: 60 }, (_, index) => `The text number ${index} for a small queue.`);
    await assert.rejects(infer(deployments, 'search', texts), refusal(429, /queue is full/));
    const { running } = deployments.get('search')!;
    await running!.deployment.drain();
    assert.equal(running!.deployment.stats.queued, 0, 'nothing of it is left behind');
    assert.equal((await infer(deployments, 'search', texts.slice(0, 3))).length, 3);
  });

  test('what is late is given up, and really taken out', async () => {
    const texts = Array.from({ length: 40 }, (_, index) => `${index} ${'A long sentence about nothing. '.repeat(40)}`);
    const outcomes = await infer(deployments, 'ingest', texts, 30);
    const late = outcomes.filter((outcome) => 'error' in outcome);
    assert.ok(late.length > 0, 'some of them are late');
    assert.match(String((late[0] as { error: Error }).error.message), /timeout \[30ms\] waiting for inference result/);
    const { deployment } = deployments.get('ingest')!.running!;
    assert.equal(deployment.counters.expired, late.length);
    await deployment.drain();
    assert.ok(deployment.counters.inference_count < 45, 'the others were not run');
  });

  test('a caller that goes away takes its texts along', async () => {
    const caller = new AbortController();
    const texts = Array.from({ length: 40 }, (_, index) => `${index} ${'Another long sentence. '.repeat(60)}`);
    const { deployment } = deployments.get('ingest')!.running!;
    const before = deployment.counters.inference_count;
    const asked = deployments.infer('ingest', { texts, config: EMBEDDING, timeout: 60_000, signal: caller.signal });
    caller.abort(new Error('gone'));
    await assert.rejects(asked, /gone/);
    await deployment.drain();
    assert.ok(deployment.counters.inference_count - before <= 4, 'only what was at an allocation already');
  });

  test('is changed while it runs, and loses nothing', async () => {
    const texts = Array.from({ length: 60 }, (_, index) => `Sentence ${index} goes through changes.`);
    const asked = Promise.all(texts.map((text) => infer(deployments, 'ingest', [text])));
    for (const number_of_allocations of [1, 3, 1]) await deployments.update('ingest', { number_of_allocations });
    const answers = await asked;
    assert.ok(answers.every(([outcome]) => vectorOf(outcome).length === 384));
    assert.equal(deployments.get('ingest')!.number_of_allocations, 1);
    await assert.rejects(deployments.update('nobody', {}), refusal(404, /nobody/));
  });

  test('tells what Elasticsearch tells', async () => {
    const served = deployments.get('ingest')!;
    const stats = deploymentStats(served, node) as unknown as {
      readonly allocation_status: object;
      readonly nodes: Record<string, number>[];
      readonly timeout_count: number;
    };
    assert.deepEqual(stats.allocation_status, {
      allocation_count: 1,
      target_allocation_count: 1,
      state: 'fully_allocated',
    });
    assert.ok(stats.timeout_count > 0);
    const [own] = stats.nodes;
    assert.ok(own!.inference_count! > 0 && own!.average_inference_time_ms! > 0);
    assert.equal(own!.number_of_pending_requests, 0);
    const { task_parameters, assignment_state } = assignmentOf(served, node) as unknown as {
      readonly task_parameters: Record<string, unknown>;
      readonly assignment_state: string;
    };
    assert.equal(assignment_state, 'started');
    assert.deepEqual(
      [task_parameters.deployment_id, task_parameters.model_id, task_parameters.priority],
      ['ingest', BUNDLED, 'normal'],
    );
  });

  test('stops when what is in flight has ended, or at once', async () => {
    const texts = Array.from({ length: 10 }, (_, index) => `Sentence ${index} before the end.`);
    const asked = Promise.all(texts.map((text) => infer(deployments, 'ingest', [text])));
    await deployments.stop('ingest', true);
    assert.ok((await asked).every(([outcome]) => 'fields' in outcome!));
    const cut = infer(deployments, 'search', ['This one is cut.']);
    await deployments.stop('search');
    const [outcome] = await cut;
    assert.ok('fields' in outcome! || (outcome!.error as Refusal).status === 409);
    assert.deepEqual(deployments.list, []);
  });
});

test('a provider that the machine has not is told, and the processor runs the model', async () => {
  const deployments = registry();
  try {
    warnings.length = 0;
    await deployments.start(parameters({ execution_provider: 'cuda' }), 'started', 60_000);
    const [outcome] = await infer(deployments, BUNDLED, ['Rome is old.']);
    assert.equal(vectorOf(outcome).length, 384);
    assert.deepEqual(warnings, ['the execution provider cannot be used, the model runs on the processor']);
  } finally {
    await deployments.close();
  }
});

test('low priority is one thread that stands back behind others', async (t) => {
  assert.throws(() => parameters({ priority: 'low', number_of_allocations: 2 }), /must be 1 where \[priority\] is low/);
  const deployments = registry();
  try {
    const before = niceThreads();
    await deployments.start(parameters({ priority: 'low' }), 'fully_allocated', 60_000);
    const [outcome] = await infer(deployments, BUNDLED, ['Rome is old.']);
    assert.equal(vectorOf(outcome).length, 384);
    if (process.platform !== 'linux') return t.diagnostic('only Linux knows the priority of a thread');
    assert.ok(niceThreads() > before);
  } finally {
    await deployments.close();
  }
});

/** Threads of this process with a nice value of 10: the nineteenth field of their state. */
const niceThreads = (): number =>
  process.platform !== 'linux'
    ? 0
    : readdirSync('/proc/self/task').filter((thread) => {
        const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16] === '10';
      }).length;
