import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { planServers } from './servers/plan.ts';
import { type RunningServers, startServers } from './servers/running.ts';

const HELP = `node test/run.ts [--unit] [--serve] [path…]
  path     test files or folders; default: all
  --unit   only what needs no servers
  --serve  start the servers, print how to reach them, and wait for Ctrl-C
`;

const root = fileURLToPath(new URL('..', import.meta.url));
/** Folders whose tests need servers. */
const INTEGRATION = ['test/integration/', 'test/issues/servers/'];
const needsServers = (file: string): boolean => INTEGRATION.some((folder) => file.startsWith(folder));
const FOLDERS = [
  'src',
  'test/unit',
  'test/conformance',
  'test/ingest',
  'test/simulation',
  'test/issues',
  'test/integration',
];

const { values, positionals } = parseArgs({
  options: { unit: { type: 'boolean' }, serve: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});

/** The test files below some files and folders, relative to the root. */
const testFiles = (paths: readonly string[]): string[] =>
  paths
    .flatMap((path) =>
      path.endsWith('.ts')
        ? [path]
        : globSync('**/*.test.ts', { cwd: join(root, path) }).map((file) => join(path, file)),
    )
    .sort();

let child: ChildProcess | undefined;
let servers: RunningServers | undefined;
let interrupted = false;

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<boolean> =>
  new Promise((done, reject) => {
    if (interrupted) return done(false);
    child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('exit', (status) => {
      child = undefined;
      done(status === 0);
    });
  });

const runTests = (files: readonly string[], concurrency: number, env?: Readonly<Record<string, string>>) =>
  run(
    [
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${concurrency}`,
      // A test that hangs must not hang the run.
      '--test-timeout=300000',
      ...files,
    ],
    env,
  );

/** Tests of the command line run what is in dist. */
const buildIfStale = async (): Promise<boolean> => {
  const built = join(root, 'dist/cli/main.js');
  const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs);
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources)) return true;
  return run(['scripts/build.mjs']);
};

const main = async (): Promise<number> => {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const paths = positionals.map((path) => relative(root, resolve(path)));
  const missing = paths.filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0) {
    console.error(`no such test: ${missing.join(', ')}`);
    return 2;
  }
  const files = testFiles(paths.length > 0 ? paths : FOLDERS);
  const unit = files.filter((file) => !needsServers(file));
  const integration = values.unit ? [] : files.filter(needsServers);
  const plan = integration.length > 0 || values.serve ? planServers() : undefined;
  console.log(plan === undefined ? 'no servers needed' : plan.description);
  if (values.serve) return serve();

  if (!(await buildIfStale())) return interrupted ? 130 : 1;
  let passed = true;
  if (unit.length > 0) passed = await runTests(unit, 2);
  if (integration.length > 0 && !interrupted) {
    if (plan?.problem !== undefined) {
      console.error(`\n${integration.length} test files were not run. ${plan.problem}`);
      return 1;
    }
    servers = await startServers(plan!);
    passed = (await runTests(integration, 1, servers.env)) && passed;
  }
  return interrupted ? 130 : passed ? 0 : 1;
};

const serve = async (): Promise<number> => {
  const plan = planServers();
  if (plan.problem !== undefined) {
    console.error(plan.problem);
    return 1;
  }
  servers = await startServers(plan);
  for (const [name, value] of Object.entries(servers.env)) console.log(`export ${name}=${value}`);
  await new Promise(() => setInterval(() => {}, 60_000));
  return 0;
};

const interrupt = (signal: NodeJS.Signals) => {
  interrupted = true;
  child?.kill(signal);
  // While the tests run, their end leads to the end of this process; otherwise nothing else would.
  if (child === undefined) void finish(130);
};

const finish = async (status: number): Promise<void> => {
  await servers?.stop();
  process.exit(status);
};

process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.on('SIGHUP', interrupt);
main().then(finish, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return finish(1);
});
