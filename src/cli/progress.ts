import cliProgress from 'cli-progress';

const { Format, Presets, SingleBar } = cliProgress;

/** What a running stream shows to a person: one line that stays in its place. */
export interface Progress {
  update(read: number, total: number): void;
  /** Prints a line above the bar. */
  print(text: string): void;
  stop(): void;
}

const WIDTH = 80;

/** A bar on a terminal, where the size of the work is known; nothing elsewhere. */
export const createProgress = (settled: () => number, show: boolean): Progress => {
  if (!show) return { update: () => {}, print: (text) => void process.stderr.write(text), stop: () => {} };
  const started = Date.now();
  const bar = new SingleBar(
    {
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
      format: (options, params, payload) => {
        const { documents } = payload as { documents: number };
        const seconds = Math.max(0.001, (Date.now() - started) / 1000);
        const share = params.total === 0 ? 0 : params.value / params.total;
        const line = ` ${Format.BarFormat(share, options)} ${String(Math.floor(share * 100)).padStart(3)} %  ${documents.toLocaleString('en')} documents  ${(documents / seconds).toFixed(0)}/s`;
        return line.slice(0, Math.min(WIDTH, process.stderr.columns ?? WIDTH));
      },
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { documents: 0 });
  const timer = setInterval(() => bar.update({ documents: settled() }), 200);
  return {
    update: (read, total) => {
      bar.setTotal(Math.max(1, total));
      bar.update(read, { documents: settled() });
    },
    print: (text) => {
      process.stderr.write(`\r\u001b[2K${text}`);
      bar.render();
    },
    stop: () => {
      clearInterval(timer);
      bar.update({ documents: settled() });
      bar.stop();
    },
  };
};
