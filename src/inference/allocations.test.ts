import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessorError } from '../core/errors.ts';
import { Deployment } from './deployment.ts';

type Output = { readonly tokens: number; readonly text: string };

const deploy = async (allocations: number, timeout_ms: number, prefetch = 2) => {
  const warnings: string[] = [];
  const deployment = new Deployment<{ text: string }, Output>({
    threads: {
      id: 'moody',
      folder: 'nowhere',
      script: new URL('../../test/support/moody-worker.ts', import.meta.url),
      settings: {},
      prefetch,
    },
    number_of_allocations: allocations,
    queue_capacity: 100,
    timeout_ms,
    log: { warn: (message) => void warnings.push(message) },
  });
  await deployment.start();
  const infer = (text: string) =>
    new Promise<Output>((resolve, reject) =>
      deployment.infer({ text }, (error, output) => (error ? reject(error) : resolve(output!))),
    );
  return { deployment, infer, warnings };
};
const suspect = (error: unknown) => error instanceof ProcessorError && error.type === 'crash_suspect';

test('a text that hangs costs its thread, three times, and then it alone has failed', async () => {
  const { deployment, infer, warnings } = await deploy(1, 300);
  try {
    const others = ['a', 'b', 'c', 'd'].map(infer);
    const hanging = infer('hang');
    const after = ['e', 'f'].map(infer);
    await assert.rejects(hanging, suspect);
    assert.deepEqual(
      (await Promise.all([...others, ...after])).map(({ text }) => text),
      ['a', 'b', 'c', 'd', 'e', 'f'],
    );
    const { restarts, timeouts, counters } = deployment.stats;
    assert.deepEqual([restarts, timeouts, counters.inference_count], [3, 3, 6]);
    assert.equal(warnings.length, 3);
  } finally {
    await deployment.close();
  }
});

test('a text that ends its thread takes none beside it along, however many were prefetched', async () => {
  const { deployment, infer } = await deploy(2, 5000, 4);
  try {
    const texts = ['slow 1', 'slow 2', 'end', 'slow 3', 'slow 4', 'slow 5', 'slow 6'];
    const results = await Promise.allSettled(texts.map(infer));
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value.text : suspect(result.reason))),
      ['slow 1', 'slow 2', true, 'slow 3', 'slow 4', 'slow 5', 'slow 6'],
    );
    assert.equal(deployment.stats.allocations, 2);
  } finally {
    await deployment.close();
  }
});

test('a text that is cancelled while it runs is never answered, and its place is free again', async () => {
  const { deployment, infer } = await deploy(1, 400);
  try {
    let answered = 0;
    const cancel = deployment.infer({ text: 'slow, and not wanted' }, () => {
      answered += 1;
    });
    await infer('one behind it');
    cancel();
    // The thread leaves it out, so that only its time ends the wait for it.
    assert.equal((await infer('another')).text, 'another');
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.equal(answered, 0);
    assert.equal((await infer('later')).text, 'later');
    assert.equal(deployment.stats.running, 0);
  } finally {
    await deployment.close();
  }
});

test('closing answers those that run and those that wait', async () => {
  const { deployment, infer } = await deploy(1, 5000, 1);
  const running = infer('hang');
  const waiting = infer('a');
  const both = Promise.allSettled([running, waiting]);
  await deployment.close();
  for (const result of await both)
    assert.ok(result.status === 'rejected' && result.reason.code === 'SLUICE_INFERENCE_CLOSED');
});
