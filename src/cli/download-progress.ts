import cliProgress from 'cli-progress';
import type { FetchProgress } from '../inference/store/fetch-files.ts';
import { shownBytes } from '../inference/store/shown-bytes.ts';
import { leftOf } from './progress.ts';

const { Format, Presets, SingleBar } = cliProgress;
const WIDTH = 80;

/** What the line under a download says. */
export const downloadLine = (file: string, bytes: number, total: number, fetched: number, seconds: number): string => {
  const rate = fetched / Math.max(0.001, seconds);
  const left = rate === 0 || bytes >= total ? '' : leftOf(fetched / (fetched + total - bytes), seconds);
  return `${shownBytes(bytes)} of ${shownBytes(total)}  ${shownBytes(rate)}/s  ${left}`.trimEnd().padEnd(40) + file;
};

/** A bar on a terminal, where the size is known; nothing elsewhere. */
export const downloadProgress = (show: boolean): FetchProgress => {
  let bar: InstanceType<typeof SingleBar> | undefined;
  let started = 0;
  // What an earlier try left says nothing about how fast it goes now.
  let before: number | undefined;
  return {
    start: (total) => {
      if (!show || total === undefined || total === 0) return;
      started = performance.now();
      bar = new SingleBar(
        {
          stream: process.stderr,
          hideCursor: true,
          barsize: 20,
          format: (options, { value, total: all }, payload) => {
            const { file } = payload as { file: string };
            const seconds = (performance.now() - started) / 1000;
            const line = ` ${Format.BarFormat(all === 0 ? 0 : value / all, options)} ${downloadLine(file, value, all, Math.max(0, value - (before ?? 0)), seconds)}`;
            return line.slice(0, Math.min(WIDTH, process.stderr.columns ?? WIDTH));
          },
        },
        Presets.shades_classic,
      );
      bar.start(total, 0, { file: '' });
    },
    update: (file, bytes) => {
      before ??= bytes;
      bar?.update(bytes, { file });
    },
    stop: () => bar?.stop(),
  };
};
