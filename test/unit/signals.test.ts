import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sluice-signals-'));
after(() => rmSync(folder, { recursive: true }));

const DOCUMENTS = 600;
const PADDING = 'x'.repeat(20_000);
writeFileSync(
  join(folder, 'dump.ndjson'),
  Array.from(
    { length: DOCUMENTS },
    (_, n) => `${JSON.stringify({ n, padding: PADDING, body: `Angela Merkel met guest ${n} in Berlin.` })}\n`,
  ).join(''),
);

const start = (
  name: string,
  limits: string,
  { under = [], ...env }: { under?: readonly string[]; XDG_CACHE_HOME?: string } = {},
) => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `source: { dump: { paths: dump.ndjson } }
processors:
  - inference: { model_id: enrich, target_field: ml, field_map: { body: text_field }, inference_config: { ner: {} } }
models: { enrich: { path: ${JSON.stringify(join(root, 'models/minilm-l6-enrich-en'))} } }
sink: { file: { path: ${name}.out, format: ndjson } }
limits: { ${limits} }
`,
  );
  const [command, ...args] = [...under, process.execPath, join(root, 'bin/sluice.js'), 'run', `${name}.yaml`];
  const child = spawn(command!, args, { cwd: folder, env: { ...process.env, ...env } });
  const said = { stderr: '' };
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  child.stdout.resume();
  child.stdin.end();
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (!condition()) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`it never came to ${what}:\n${said.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const delivering = () => until('a delivered document', () => existsSync(join(folder, `${name}.out.part.length`)));
  return { child, said, ended, until, delivering };
};

/** Some fifty documents at a time. */
const FEW = 'in_flight_bytes: 1mb';
/** The whole dump is read at once. */
const ALL = 'in_flight_bytes: 64mb';

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} finishes what is in flight, and says that it was early`, { timeout: 120_000 }, async () => {
    const name = `first-${signal}`;
    const { child, said, ended, delivering } = start(name, FEW);
    await delivering();
    child.kill(signal);
    assert.deepEqual(await ended, { code: 0, signal: null }, said.stderr);
    assert.match(said.stderr, new RegExp(`${signal}: finishing what is in flight`));
    assert.match(said.stderr, /stopped before the end of the source/);
    const counted = Number(/: (\d+) documents in /.exec(said.stderr)?.[1]);
    assert.ok(counted > 0 && counted < DOCUMENTS, `${counted} documents`);
    // Complete lines only, each enriched, and as many as the summary counts.
    assert.equal(existsSync(join(folder, `${name}.out`)), false);
    const part = readFileSync(join(folder, `${name}.out.part`), 'utf8');
    assert.ok(part.endsWith('\n'));
    const lines = part.trimEnd().split('\n');
    assert.equal(lines.length, counted);
    for (const line of lines)
      assert.ok((JSON.parse(line) as { ml: { entities: unknown[] } }).ml.entities.length > 0, line);
  });

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`a second ${signal} ends it at once with ${status}`, { timeout: 120_000 }, async () => {
    const { child, said, ended, until, delivering } = start(`second-${signal}`, ALL);
    await delivering();
    child.kill(signal);
    await until('the first signal', () => said.stderr.includes('finishing what is in flight'));
    const before = Date.now();
    child.kill(signal);
    assert.deepEqual(await ended, { code: status, signal: null }, said.stderr);
    assert.ok(Date.now() - before < 3000, `it took ${Date.now() - before} ms`);
    assert.doesNotMatch(said.stderr, / documents in /);
    assert.equal(existsSync(join(folder, `second-${signal}.out`)), false);
  });

test('a stop that cannot wait for what is in flight publishes nothing, even where all was read', {
  timeout: 120_000,
}, async () => {
  const { child, said, ended, delivering } = start('impatient', `${ALL}, shutdown_timeout: 10ms`);
  await delivering();
  child.kill('SIGINT');
  assert.deepEqual(await ended, { code: 0, signal: null }, said.stderr);
  assert.match(said.stderr, /stopped with documents in flight/);
  assert.match(said.stderr, /stopped before the end of the source/);
  assert.doesNotMatch(said.stderr, /^\s+at /m);
  assert.equal(existsSync(join(folder, 'impatient.out')), false);
});

/** A machine that has never loaded the model: it says so before it does. */
const neverLoaded = (name: string) => ({ XDG_CACHE_HOME: join(folder, `${name}-cache`) });
const LOADING = 'trying the model in a process of its own';

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} while the model is loaded ends it at once`, { timeout: 120_000 }, async () => {
    const name = `loading-${signal}`;
    const { child, said, ended, until } = start(name, FEW, neverLoaded(name));
    await until('the model', () => said.stderr.includes(LOADING));
    const before = Date.now();
    child.kill(signal);
    assert.deepEqual(await ended, { code: null, signal }, said.stderr);
    assert.ok(Date.now() - before < 3000, `it took ${Date.now() - before} ms`);
    assert.match(said.stderr, new RegExp(`${signal}: no stream has started yet\n$`));
    assert.equal(existsSync(join(folder, `${name}.out.part`)), false);
  });

const NAMESPACE = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc'];
const noNamespace = spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'true']).status !== 0 && 'no namespace to be had';

test('SIGTERM while the model is loaded ends the first process of a container, which the signal itself does not', {
  timeout: 120_000,
  skip: noNamespace,
}, async () => {
  const { child, said, ended, until } = start('first', FEW, { ...neverLoaded('first'), under: NAMESPACE });
  await until('the model', () => said.stderr.includes(LOADING));
  process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')), 'SIGTERM');
  assert.deepEqual(await ended, { code: 143, signal: null }, said.stderr);
  assert.match(said.stderr, /SIGTERM: no stream has started yet\n$/);
  assert.equal(existsSync(join(folder, 'first.out.part')), false);
});
