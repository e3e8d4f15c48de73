import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './texts.ts';

// Memory of a replay, by the size of the dump: node bench/memory.ts [--megabytes 10,100,1000,5000]
const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '10,100,1000,5000' } } });
const LINE = 1000;
const SAMPLE_MS = 100;
/** The heap grows to its working size while the first part is read. */
const WARM_UP = 0.2;

const writeDump = async (path: string, bytes: number): Promise<void> => {
  const out = createWriteStream(path);
  const text = 'x'.repeat(LINE - 60);
  for (let n = 0, written = 0; written < bytes; ) {
    let chunk = '';
    for (; chunk.length < 1 << 20 && written + chunk.length < bytes; n += 1)
      chunk += `{"n":${n},"tag":"t${n % 97}","text":"${text}"}\n`;
    written += chunk.length;
    if (!out.write(chunk)) await new Promise<void>((resolve) => out.once('drain', () => resolve()));
  }
  await new Promise<void>((resolve) => out.end(() => resolve()));
};

const rssOf = (pid: number): number => {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match![1]) / 1024;
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-memory-'));
try {
  writeFileSync(
    join(folder, 'p.yaml'),
    'name: memory\nsource: { dump: { paths: x } }\nprocessors:\n  - set: { field: seen, value: true }\n  - uppercase: { field: tag }\nsink: { stdout: }\n',
  );
  console.log('dump        seconds  MB/s   RSS MiB after warm-up: least  most');
  for (const megabytes of values.megabytes.split(',').map(Number)) {
    const dump = join(folder, 'dump.ndjson');
    await writeDump(dump, megabytes * 1_000_000);
    const started = performance.now();
    const child = spawn(
      process.execPath,
      [`${root}bin/sluice.js`, 'replay', 'p.yaml', '--from', dump, '--checkpoint', 'c.json', '--json'],
      { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    // Whoever reads slowly would be what is measured.
    child.stdout.resume();
    const samples: number[] = [];
    const sampling = setInterval(() => {
      try {
        samples.push(rssOf(child.pid!));
      } catch {
        // It has just ended.
      }
    }, SAMPLE_MS);
    const status = await new Promise((resolve) => child.once('close', resolve));
    clearInterval(sampling);
    if (status !== 0) throw new Error(`sluice ended with ${status}`);
    const seconds = (performance.now() - started) / 1000;
    const warm = samples.slice(Math.floor(WARM_UP * samples.length));
    console.log(
      `${String(megabytes).padStart(6)} MB ${seconds.toFixed(1).padStart(10)} ${(megabytes / seconds).toFixed(0).padStart(5)} ${Math.min(
        ...warm,
      )
        .toFixed(0)
        .padStart(34)} ${Math.max(...warm)
        .toFixed(0)
        .padStart(5)}`,
    );
    rmSync(dump);
  }
} finally {
  rmSync(folder, { recursive: true });
}
