import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SluiceError } from '../core/errors.ts';
import { Deployment } from './deployment.ts';
import { LocalModel } from './local-model.ts';

type Output = { readonly tokens: number; readonly text: string };
type Request = { readonly text: string };

const deploy = async (allocations: number, options: { capacity?: number; script?: string; prefetch?: number } = {}) => {
  const deployment = new Deployment<Request, Output>({
    threads: {
      id: 'moody',
      folder: 'nowhere',
      script: new URL(options.script ?? '../../test/support/moody-worker.ts', import.meta.url),
      settings: {},
      prefetch: options.prefetch ?? 2,
    },
    number_of_allocations: allocations,
    queue_capacity: options.capacity ?? 1000,
    timeout_ms: 30_000,
    log: { warn: () => {} },
  });
  await deployment.start();
  return deployment;
};
const ask = (deployment: Deployment<Request, Output>, text: string) =>
  new Promise<string>((resolve, reject) =>
    deployment.infer({ text }, (error, output) => (error ? reject(error) : resolve(output!.text))),
  );

test('more and fewer allocations while requests run: each is answered once', async () => {
  const deployment = await deploy(1);
  try {
    const answers: Promise<string>[] = [];
    const wanted: string[] = [];
    const more = (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const text = `${index % 7 === 0 ? 'slow ' : ''}${wanted.length}`;
        wanted.push(text);
        answers.push(ask(deployment, text));
      }
    };
    more(20);
    for (const count of [4, 2, 3, 1, 5, 1]) {
      const scaled = deployment.scale(count);
      more(20);
      await scaled;
      assert.equal(deployment.stats.target_allocations, count);
    }
    assert.deepEqual(await Promise.all(answers), wanted);
    await deployment.drain();
    assert.equal(deployment.stats.allocations, 1);
    assert.equal(deployment.stats.restarts, 0, 'an allocation that goes is no accident');
  } finally {
    await deployment.close();
  }
});

test('without allocations requests wait, and one is enough to answer them', async () => {
  const deployment = await deploy(0);
  try {
    let heard = 0;
    deployment.onRequest(() => {
      heard += 1;
    });
    const answers = ['a', 'b', 'c'].map((text) => ask(deployment, text));
    assert.deepEqual([deployment.stats.queued, heard], [3, 3]);
    await deployment.scale(1);
    assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c']);
  } finally {
    await deployment.close();
  }
});

test('an allocation that cannot be loaded leaves those there are, and the number that was', async () => {
  const deployment = await deploy(1);
  try {
    await assert.rejects(
      (async () => {
        const broken = await deploy(0, { script: '../../test/support/no-such-worker.ts' });
        try {
          await broken.scale(1);
        } finally {
          assert.equal(broken.stats.target_allocations, 0);
          await broken.close();
        }
      })(),
    );
    assert.equal(await ask(deployment, 'still there'), 'still there');
  } finally {
    await deployment.close();
  }
});

test('a cancelled request frees its place, in the queue and at an allocation', async () => {
  const deployment = await deploy(1, { prefetch: 1 });
  try {
    let called = 0;
    const count = () => {
      called += 1;
    };
    const running = deployment.infer({ text: 'slow 1' }, count);
    const waiting = deployment.infer({ text: 'waits' }, count);
    const last = ask(deployment, 'last');
    running();
    waiting();
    assert.equal(deployment.stats.queued, 1);
    assert.equal(await last, 'last');
    await deployment.drain();
    assert.deepEqual([called, deployment.stats.running, deployment.counters.inference_count], [0, 0, 1]);
  } finally {
    await deployment.close();
  }
});

test('a text that two ask for runs once, and goes on while one of them still wants it', async () => {
  const deployment = await deploy(1, { capacity: 2, prefetch: 1 });
  const model = new LocalModel<Request, Output>({
    deployment,
    cache_size: 1000,
    keyOf: ({ text }) => text,
    sizeOf: () => 10,
  });
  try {
    const first = model.offer({ text: 'slow' }, () => assert.fail('it was taken back'));
    const second = new Promise<string>((resolve) => {
      model.offer({ text: 'slow' }, (_error, output) => resolve(output!.text));
    });
    first();
    assert.equal(await second, 'slow');
    assert.equal(deployment.counters.inference_count, 1);
    model.offer({ text: 'slow' }, () => {});
    assert.equal(deployment.counters.inference_count, 1, 'from the cache');

    const cancels = ['slow a', 'b', 'c'].map((text) => model.offer({ text }, () => assert.fail('taken back')));
    assert.throws(
      () => model.offer({ text: 'd' }, () => assert.fail('refused')),
      (error) => error instanceof SluiceError && error.code === 'SLUICE_INFERENCE_QUEUE_FULL',
    );
    const waited = new Promise<string>((resolve) => {
      model.infer({ text: 'e' }, (_error, output) => resolve(output!.text));
    });
    assert.equal(model.waiting, 1);
    for (const cancel of cancels) cancel();
    assert.equal(await waited, 'e');
    await deployment.drain();
    assert.deepEqual([model.waiting, deployment.stats.queued, deployment.stats.running], [0, 0, 0]);
  } finally {
    await deployment.close();
  }
});
