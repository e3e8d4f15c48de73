import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Deployments } from '../../src/inference/deployments/deployments.ts';
import { deploymentOptions } from '../../src/inference/deployments/options.ts';
import { importFolder } from '../../src/inference/store/import-folder.ts';
import { ModelStore } from '../../src/inference/store/store.ts';

test('another version takes the place of the one that runs, and no request is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-exchange-'));
  const store = new ModelStore(folder);
  const source = mkdtempSync(join(tmpdir(), 'sluice-version-'));
  try {
    cpSync(new URL('../../models/minilm-l6-enrich-en', import.meta.url).pathname, source, { recursive: true });
    const taken = { id: 'swapped', quantized: 'auto', force: false, aliases: [], trial: false } as const;
    await importFolder(store, source, taken);
    const log = { info: () => {}, warn: (message: string) => assert.fail(message) };
    const deployments = new Deployments({ store, trial: undefined, journal: undefined, log });
    const infer = (text: string) =>
      deployments.infer('swapped', { texts: [text], config: { text_embedding: {} }, timeout: 60_000 });
    try {
      await deployments.start(deploymentOptions.parse({ model_id: 'swapped' }), 'fully_allocated', 60_000);
      const before = deployments.get('swapped')!.deployable.version;
      let running = true;
      const asked: Promise<boolean>[] = [];
      const load = (async () => {
        for (let index = 0; running; index += 1) {
          asked.push(infer(`Text ${index} under load.`).then(([outcome]) => 'fields' in outcome!));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      writeFileSync(join(source, 'tokenizer_config.json'), '{"note":"another version"}');
      await importFolder(store, source, taken);
      await deployments.refresh();
      running = false;
      await load;
      assert.notEqual(deployments.get('swapped')!.deployable.version, before);
      assert.ok((await Promise.all(asked)).every(Boolean));
    } finally {
      await deployments.close();
    }
  } finally {
    rmSync(source, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
});
