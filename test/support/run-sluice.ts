import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const sluice = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** `sluice` with these arguments, as a process of its own, to its end. */
export const runSluice = (cwd: string, ...args: readonly string[]): Promise<Ended> => {
  const child = spawn(process.execPath, [sluice, ...args], { cwd });
  let stderr = '';
  let stdout = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stdin.end();
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr, stdout })));
};
