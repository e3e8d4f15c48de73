import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../servers/server.ts';

export interface Worker {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  /** Its end was wanted. */
  doomed: boolean;
  stopped: boolean;
  /** It has begun to read: before that, a signal simply ends it. */
  begun: boolean;
}

export interface WorkersOptions {
  readonly files: readonly string[];
  readonly cwd: string;
  readonly log: string;
  readonly env: NodeJS.ProcessEnv;
  readonly sabotage: string | undefined;
}

/** Processes of one consumer group, as an orchestrator keeps them: one that ends by itself is started again. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #alive = new Set<Worker>();
  #next = 1;
  #closing = false;
  /** Ends that nobody asked for, by status. */
  readonly unasked: string[] = [];
  started = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  get running(): readonly Worker[] {
    return [...this.#alive].filter(({ doomed, stopped }) => !doomed && !stopped);
  }

  async start(): Promise<Worker> {
    const { files, cwd, log, env, sabotage } = this.#options;
    const name = `worker-${this.#next++}`;
    const port = await freePort();
    const hook = new URL('../sabotage/hook.ts', import.meta.url).href;
    const script = fileURLToPath(new URL('./worker.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--import', hook, script, 'run', ...files, '--json', '--http', `127.0.0.1:${port}`],
      {
        cwd,
        env: { ...env, ...(sabotage !== undefined && { SLUICE_SABOTAGE: sabotage }) },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.started += 1;
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const worker: Worker = { name, port, child, exited, doomed: false, stopped: false, begun: false };
    child.stderr!.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      worker.begun ||= text.includes('stream started');
      appendFileSync(log, text.trimEnd().replace(/^/gm, `${name} `).concat('\n'));
    });
    this.#alive.add(worker);
    void exited.then((status) => {
      this.#alive.delete(worker);
      if (worker.doomed || this.#closing) return;
      this.unasked.push(`${name} ended with ${status ?? child.signalCode}`);
      void this.start();
    });
    return worker;
  }

  /** Kills one, and starts another in its place. */
  async kill(worker: Worker): Promise<void> {
    worker.doomed = true;
    worker.child.kill('SIGKILL');
    await worker.exited;
    await this.start();
  }

  /** Stops the process for a while, as a machine does that swaps or a container that is frozen. */
  async freeze(worker: Worker, ms: number): Promise<void> {
    worker.stopped = true;
    worker.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    worker.child.kill('SIGCONT');
    worker.stopped = false;
  }

  /** One leaves in good order. */
  async leave(worker: Worker): Promise<void> {
    // Another fault was faster.
    if (worker.doomed) return;
    worker.doomed = true;
    worker.child.kill('SIGTERM');
    const late = setTimeout(() => worker.child.kill('SIGKILL'), 60_000);
    const status = await worker.exited;
    clearTimeout(late);
    const ended = status ?? worker.child.signalCode;
    if (ended !== 0 && (worker.begun || ended !== 'SIGTERM'))
      this.unasked.push(`${worker.name} was asked to end and did so with ${ended}`);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#alive].map((worker) => this.leave(worker)));
  }

  killAll(): void {
    this.#closing = true;
    for (const { child } of this.#alive) child.kill('SIGKILL');
  }
}
