import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadStream } from './load-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
after(() => rmSync(folder, { recursive: true }));

for (const [what, option, columns] of [
  ['static membership', 'group_instance_id: worker-1', [6, 24]],
  ['KIP-848', 'group_protocol: consumer', [6, 21]],
] as const)
  test(`${what} with kafkajs is refused at its line, and the way out is named`, () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(
      file,
      `source:
  kafka:
    brokers: localhost:9092
    topics: news
    group_id: g
    ${option}
processors: []
sink: { stdout: {} }
`,
    );
    const { mistakes } = loadStream(file, { info() {}, warn() {} });
    assert.equal(mistakes.length, 1);
    const { line, column, message } = mistakes[0]!;
    assert.deepEqual([line, column], columns);
    assert.match(message, /set `client: platformatic`/);
  });
