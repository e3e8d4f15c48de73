import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadStream } from './load-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
after(() => rmSync(folder, { recursive: true }));

test('the connection to Elasticsearch is checked after the variables are filled in, wherever it stands', () => {
  const file = join(folder, 'a.yaml');
  const cloud = `mine:${Buffer.from('eu.example.com$es').toString('base64')}`;
  const mistakesOf = (node: string, tls = '') => {
    writeFileSync(
      file,
      `source: { dump: { paths: a } }
processors: []
sink: { elasticsearch: { index: a, nodes: "\${NODE}"${tls} } }
dead_letter: { elasticsearch: { index: b, nodes: "http://a", cloud_id: "${cloud}" } }
models:
  m: { elasticsearch: { model_id: m, nodes: "http://a", cloud_id: "${cloud}" } }
`,
    );
    const log = { info() {}, warn() {} };
    const variables = { env: () => node, file: () => '' };
    return loadStream(file, log, undefined, variables).mistakes.map(({ line, message }) => `${line} ${message}`);
  };
  assert.deepEqual(mistakesOf('https://es:9200', `, tls: { ca_fingerprint: "${'ab'.repeat(32)}" }`), [
    '4 either nodes or cloud_id: the id says where the nodes are',
    '6 either nodes or cloud_id: the id says where the nodes are',
  ]);
  assert.match(
    mistakesOf('http://es:9200', `, tls: { ca_fingerprint: "${'ab'.repeat(32)}" }`)[0]!,
    /^3 ca_fingerprint needs/,
  );
  assert.match(mistakesOf('es:9200')[0]!, /^3 a node is a URL/);
});
