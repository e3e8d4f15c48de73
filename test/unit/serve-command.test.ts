import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SERVE_METRICS } from '../../src/server/elasticsearch/serve-metrics.ts';
import { freePort } from '../servers/server.ts';
import { runSluice } from '../support/run-sluice.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-serve-command-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const bin = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return name;
};

/** `sluice serve` with these arguments, once it listens. */
const serve = async (...args: string[]) => {
  const child = spawn(process.execPath, [bin, 'serve', '--port', '0', ...args], { cwd: folder });
  // A test that fails in the middle leaves none behind.
  after(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', () => {
      const [, found] = /listening on (\S+)/.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once('close', () => reject(new Error(told)));
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return (await ended)[0];
  };
  return { url, end, told: () => told };
};

describe('sluice serve', () => {
  test('listens, says where, and ends when it is told', async () => {
    const { url, end, told } = await serve('--models', 'minilm-l6-enrich-en', '--state', 'state');
    assert.equal((await fetch(url)).status, 200);
    // Asked before the model is there: it is told as Elasticsearch tells it, and there a moment later.
    const infer = () =>
      fetch(`${url}/_ml/trained_models/minilm-l6-enrich-en/_infer`, {
        method: 'POST',
        body: '{"docs":[{"text_field":"Rome"}],"inference_config":{"ner":{}}}',
        headers: { 'content-type': 'application/json' },
      });
    let status = 0;
    for (let tries = 0; tries < 300 && status !== 200; tries += 1) {
      ({ status } = await infer());
      assert.ok(status === 200 || status === 409, String(status));
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(status, 200);
    assert.equal(await end('SIGTERM'), 0);
    assert.match(told(), /stopping: no new requests/);
    const again = await serve('--state', 'state');
    assert.equal(await again.end('SIGINT'), 130);
  });

  test('says whether it lives, whether its models can infer, and what it did', async () => {
    const port = await freePort();
    const { url, end } = await serve('--models', 'minilm-l6-enrich-en', '--http', `127.0.0.1:${port}`);
    const get = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    assert.equal((await get('/livez')).status, 200);
    let ready = await get('/readyz');
    for (let tries = 0; tries < 400 && ready.status !== 200; tries += 1) {
      assert.match(ready.text, /"state":"starting"/);
      await new Promise((resolve) => setTimeout(resolve, 50));
      ready = await get('/readyz');
    }
    assert.deepEqual(JSON.parse(ready.text), {
      status: 'ok',
      deployments: [{ deployment_id: 'minilm-l6-enrich-en', state: 'started' }],
    });
    const post = (path: string, body: string) =>
      fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    const docs = '"docs":[{"_source":{"body":"Rome"}}]';
    await post(
      '/_ml/trained_models/minilm-l6-enrich-en/_infer',
      '{"docs":[{"text_field":"Rome"}],"inference_config":{"ner":{}}}',
    );
    await fetch(`${url}/_ingest/pipeline/p`, {
      method: 'PUT',
      body: '{"processors":[{"set":{"field":"a","value":1,"tag":"t"}}]}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal((await post('/_ingest/pipeline/p/_simulate', `{${docs}}`)).status, 200);
    assert.equal((await fetch(`${url}/index/_search`)).status, 400);
    const { text } = await get('/metrics');
    for (const { name, type } of SERVE_METRICS) assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
    for (const line of [
      'sluice_serve_requests_total{route="/_ml/trained_models/{model_id}/_infer",status="200"} 1',
      'sluice_serve_requests_total{route="none",status="400"} 1',
      'sluice_serve_requests_running 0',
      'sluice_processor_executions_total{pipeline="p",processor="set",tag="t"} 1',
      'sluice_inference_total{model="minilm-l6-enrich-en"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is missing`);
    assert.equal(await end('SIGTERM'), 0);
    const bad = await runSluice(folder, 'serve', '--http', 'nowhere:x');
    assert.match(bad.stderr, /--http takes no such address/);
  });

  test('what was acknowledged is there after a kill', async () => {
    const first = await serve('--state', 'killed');
    const pipeline = { method: 'PUT', body: '{"processors":[]}', headers: { 'content-type': 'application/json' } };
    assert.equal((await fetch(`${first.url}/_ingest/pipeline/p`, pipeline)).status, 200);
    await first.end('SIGKILL');
    const second = await serve('--state', 'killed');
    assert.deepEqual(await (await fetch(`${second.url}/_ingest/pipeline`)).json(), { p: { processors: [] } });
    assert.equal(await second.end('SIGTERM'), 0);
  });

  test('reads a file, with keys that it made itself', async () => {
    const made = await runSluice(folder, 'serve', '--new-api-key', 'shipper', '--json');
    const { id, sha256, encoded } = JSON.parse(made.stdout) as Record<'id' | 'sha256' | 'encoded', string>;
    const { url, end, told } = await serve(file('serve.yaml', `api_keys: [{ id: ${id}, sha256: ${sha256} }]\n`));
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await fetch(url, { headers: { authorization: `ApiKey ${encoded}` } })).status, 200);
    assert.equal(await end('SIGTERM'), 0);
    const [, secret] = Buffer.from(encoded, 'base64').toString().split(':');
    assert.ok(!told().includes(secret!) && !readFileSync(join(folder, 'serve.yaml'), 'utf8').includes(secret!));
  });

  test('says what is wrong, where, and what to do', async () => {
    const refused = async (args: string[], code: number, words: RegExp) => {
      const ended = await runSluice(folder, 'serve', ...args);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, words);
      for (const line of ended.stderr.split('\n')) assert.ok(line.length <= 160, line);
    };
    await refused([file('a.yaml', 'prt: 1\n')], 3, /a\.yaml:1:1 {2}unknown key \[prt\] \(did you mean \[port\]\?\)/);
    await refused([file('b.yaml', 'cluster:\n  nodes: localhost\n')], 3, /b\.yaml:2:10 {2}a node is a URL like/);
    await refused(['none.yaml'], 3, /the file cannot be read/);
    await refused(['--host', '0.0.0.0'], 2, /anybody who reaches \[0\.0\.0\.0\]/);
    await refused(['--port', 'x'], 2, /not a port/);
    const { url, end } = await serve();
    await refused(['--port', new URL(url).port], 2, /cannot listen on .*EADDRINUSE/);
    await end('SIGTERM');
  });
});
