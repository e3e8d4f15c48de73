import cliProgress from 'cli-progress';

const { Format, Presets, SingleBar } = cliProgress;

/** What a running stream shows to a person: one line that stays in its place. */
export interface Progress {
  /** @param read bytes, of `total` */
  update(read: number, total: number): void;
  /** Prints a line above the bar. */
  print(text: string): void;
  stop(): void;
}

const WIDTH = 80;

export interface Counts {
  readonly read: number;
  readonly settled: number;
  /** Dead letters among them. */
  readonly failed: number;
}

/** How much of the work is done: of the bytes that were read, those whose documents are settled. */
export const shareOf = (bytes: number, total: number, { read, settled }: Pick<Counts, 'read' | 'settled'>): number =>
  total === 0 || read === 0 ? 0 : Math.min(1, bytes / total) * (settled / read);

/** How long it goes on at the pace so far; nothing while that says little. */
export const leftOf = (share: number, seconds: number): string => {
  if (share < 0.001 || share >= 1 || seconds < 2) return '';
  const left = Math.round((seconds * (1 - share)) / share);
  if (left < 60) return `${left} s left`;
  return left < 3600 ? `${Math.round(left / 60)} min left` : `${(left / 3600).toFixed(1)} h left`;
};

/** A bar on a terminal, where the size of the work is known; nothing elsewhere. */
export const createProgress = (counts: () => Counts, show: boolean): Progress => {
  if (!show) return { update: () => {}, print: (text) => void process.stderr.write(text), stop: () => {} };
  const started = performance.now();
  let [bytes, total] = [0, 0];
  const bar = new SingleBar(
    {
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
      format: (options, params, payload) => {
        const { documents, failed } = payload as { documents: number; failed: number };
        const seconds = Math.max(0.001, (performance.now() - started) / 1000);
        const share = params.value / params.total;
        const line = ` ${Format.BarFormat(share, options)} ${String(Math.floor(share * 100)).padStart(3)} %  ${documents.toLocaleString('en')} documents  ${(documents / seconds).toFixed(0)}/s  ${leftOf(share, seconds)}${failed > 0 ? `  ${failed.toLocaleString('en')} failed` : ''}`;
        return line.slice(0, Math.min(WIDTH, process.stderr.columns ?? WIDTH));
      },
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { documents: 0, failed: 0 });
  const redraw = () => {
    const now = counts();
    bar.update(shareOf(bytes, total, now), { documents: now.settled, failed: now.failed });
  };
  const timer = setInterval(redraw, 200);
  return {
    update: (read, all) => {
      [bytes, total] = [read, all];
    },
    print: (text) => {
      process.stderr.write(`\r\u001b[2K${text}`);
      bar.render();
    },
    stop: () => {
      clearInterval(timer);
      redraw();
      bar.stop();
    },
  };
};
