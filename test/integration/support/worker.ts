import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../servers/server.ts';
import { until } from '../../servers/until.ts';

const SLUICE = fileURLToPath(new URL('../../../bin/sluice.js', import.meta.url));
const TAIL = 60;

/** `sluice run` as a process of its own. */
export class Worker {
  stderr = '';
  readonly #child: ChildProcess;
  readonly #http: string;
  readonly #exited: Promise<number | NodeJS.Signals>;

  constructor(file: string, port: number) {
    this.#http = `http://127.0.0.1:${port}`;
    this.#child = spawn(process.execPath, [SLUICE, 'run', file, '--http', `127.0.0.1:${port}`], {
      cwd: join(file, '..'),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#exited = new Promise((resolve) =>
      this.#child.on('exit', (status, signal) => resolve(signal ?? status ?? -1)),
    );
  }

  /** Resolves when the stream reads; rejects at once when the process ends before that. */
  async started(): Promise<void> {
    await until(
      'the worker has started',
      () => this.#child.exitCode !== null || this.stderr.includes('stream started'),
    );
    if (this.#child.exitCode !== null) throw new Error(`the worker ended with ${this.#child.exitCode}`);
  }

  /** Sends a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 45_000);
    const result = await this.#exited;
    clearTimeout(impatience);
    return result;
  }

  /** The exit status of a worker that ends by itself. */
  exited(): Promise<number | NodeJS.Signals> {
    return this.#exited;
  }

  async ready(): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.#http}/readyz`, { signal: AbortSignal.timeout(5000) });
    return { status: answer.status, text: await answer.text() };
  }

  /** A metric's value over all its labels, or of one outcome. */
  async metric(name: string, outcome?: string): Promise<number> {
    const text = await (await fetch(`${this.#http}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return lines
      .filter((line) => outcome === undefined || line.includes(`outcome="${outcome}"`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  settled(outcome?: string): Promise<number> {
    return this.metric('sluice_documents_settled_total', outcome);
  }
}

export interface Scene {
  readonly folder: string;
  /** Starts a worker over a pipeline file with this content; JSON is YAML. */
  run(pipeline: object): Promise<Worker>;
}

/** A test with workers: they end with it, and when it fails their last words are shown. */
export const scene = (
  name: string,
  play: (scene: Scene, t: TestContext) => Promise<void>,
  options: { readonly timeout?: number } = {},
): void =>
  void test(name, options, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
    const workers: Worker[] = [];
    const kill = () => {
      for (const worker of workers) void worker.end('SIGKILL');
    };
    process.on('exit', kill);
    try {
      const own: Scene = {
        folder,
        run: async (pipeline) => {
          const file = join(folder, `stream-${workers.length}.yaml`);
          writeFileSync(file, JSON.stringify(pipeline, null, 2));
          const worker = new Worker(file, await freePort());
          workers.push(worker);
          await worker.started();
          return worker;
        },
      };
      await play(own, t);
    } catch (error) {
      workers.forEach(({ stderr }, index) =>
        console.error(`--- worker ${index + 1} of "${name}"\n${stderr.split('\n').slice(-TAIL).join('\n')}`),
      );
      throw error;
    } finally {
      await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
      process.off('exit', kill);
      rmSync(folder, { recursive: true, force: true });
    }
  });
