import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestServer } from './server.ts';
import { until } from './until.ts';

export interface JavaServerParts {
  readonly name: string;
  readonly address: string;
  readonly java: string;
  readonly args: readonly string[];
  readonly home: string;
  readonly answers: (address: string) => Promise<boolean>;
}

const START_SECONDS = 90;

export const temporaryHome = (name: string): string => mkdtempSync(join(tmpdir(), `sluice-test-${name}-`));

/** A JVM with one server in it. */
export class JavaServer implements TestServer {
  readonly name: string;
  readonly address: string;
  readonly #parts: JavaServerParts;
  #process: ChildProcess | undefined;

  constructor(parts: JavaServerParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.address = parts.address;
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) return;
    const { java, args, home, name, address, answers } = this.#parts;
    const log = openSync(this.#log, 'a');
    // Standard input stays open as long as this process lives: see WhileStdinOpen.
    const child = spawn(java, args, { cwd: home, stdio: ['pipe', log, log] });
    closeSync(log);
    child.stdin?.on('error', () => {});
    this.#process = child;
    let ended: string | undefined;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (status, signal) => {
      ended = `ended with ${signal ?? status}`;
      if (this.#process === child) this.#process = undefined;
    });
    try {
      await until(`${name} answers at ${address}`, async () => ended !== undefined || (await answers(address)), {
        seconds: START_SECONDS,
      });
      if (ended !== undefined) throw new Error(`${name} ${ended}`);
    } catch (error) {
      await this.stop();
      throw new Error(`${(error as Error).message}\n${this.#logTail()}`);
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // A stopped process takes no SIGTERM before it goes on.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(impatience);
  }

  async pause(): Promise<void> {
    this.#process?.kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.#process?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await this.stop();
    rmSync(this.#parts.home, { recursive: true, force: true });
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
    rmSync(this.#parts.home, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.#parts.home, 'server.log');
  }

  #logTail(): string {
    return readFileSync(this.#log, 'utf8').split('\n').slice(-40).join('\n');
  }
}
