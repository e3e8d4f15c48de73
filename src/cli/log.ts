import pino from 'pino';
import type { StreamLog } from '../runtime/stream-options.ts';

const REPEATS = 5;
const WINDOW_MS = 10_000;

type Level = 'info' | 'warn' | 'error';

/** Sluice's own words go to standard error; documents and secrets never do. Repeats are counted, not printed. */
export const createLog = (
  json: boolean,
  line: (text: string) => void = (text) => void process.stderr.write(text),
): StreamLog => {
  const print = json ? jsonPrinter() : plainPrinter(line);
  const seen = new Map<string, { count: number; since: number }>();
  const log =
    (level: Level) =>
    (message: string, fields: object = {}) => {
      const now = performance.now();
      const key = `${level} ${message}`;
      const known = seen.get(key);
      if (known === undefined || now - known.since > WINDOW_MS) {
        const more = known === undefined ? 0 : known.count - REPEATS;
        if (more > 0) print(level, `${message} (and ${more} more like it)`, {});
        seen.set(key, { count: 1, since: now });
      } else if (++known.count > REPEATS) return;
      print(level, message, fields);
    };
  return { info: log('info'), warn: log('warn'), error: log('error') };
};

const plainPrinter = (line: (text: string) => void) => (level: Level, message: string, fields: object) => {
  const parts = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  line(
    `${new Date().toISOString().slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${message}${parts.length === 0 ? '' : `  ${parts.join(' ')}`}\n`,
  );
};

const jsonPrinter = () => {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  return (level: Level, message: string, fields: object) => logger[level](fields, message);
};
