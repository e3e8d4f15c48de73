import { z } from 'zod';
import type { Sink, WriteItem } from '../core/contracts.ts';
import { RequestError } from '../core/contracts.ts';

export const stdoutSinkOptions = z.strictObject({});

interface TextItem extends WriteItem {
  readonly text: string;
}

/** One document a line on standard output; everything else sluice says goes to standard error. */
export const stdoutSink = (out: NodeJS.WritableStream = process.stdout): Sink<TextItem> => ({
  type: 'stdout',
  limits: { max_documents: 1000, max_bytes: 1024 * 1024, max_age_ms: 50, max_in_flight: 1 },
  open: async () => {
    // Without a listener the process ends with a stack trace. Other errors come to the write that met them.
    out.on('error', endQuietly);
  },
  prepare: (document) => {
    const line = document.toLine();
    const text = `${typeof line === 'string' ? line : Buffer.from(line).toString('utf8')}\n`;
    return { key: undefined, bytes: Buffer.byteLength(text), text };
  },
  write: (items) =>
    new Promise((resolve, reject) => {
      out.write(items.map(({ text }) => text).join(''), (error) => {
        endQuietly(error);
        if (error) reject(new RequestError('destination', { type: 'stdout_closed', reason: error.message }));
        else resolve(items.map(() => ({ outcome: 'delivered' as const })));
      });
    }),
  close: async () => {},
});

/** Whoever read the output is gone (`| head`): there is nobody left to write for, and nothing went wrong. */
const endQuietly = (error: NodeJS.ErrnoException | null | undefined): void => {
  if (error?.code === 'EPIPE') process.exit(0);
};
