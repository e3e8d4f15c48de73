import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SABOTAGE } from '../sabotage/table.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const simulate = (...args: string[]) =>
  spawnSync(process.execPath, [main, '--seeds', '12', ...args], { encoding: 'utf8', timeout: 120_000 });

test('the engine as it is stays green', () => {
  const { status, stderr } = simulate();
  assert.equal(status, 0, stderr);
});

for (const name of Object.keys(SABOTAGE)) {
  test(`an engine with the fault ${name} turns red`, () => {
    const { status, stdout, stderr } = simulate('--sabotage', name);
    assert.equal(status, 1, stdout + stderr);
    assert.match(stderr, /^seed \d+: /m);
  });
}
