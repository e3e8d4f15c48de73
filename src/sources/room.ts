import type { SourcePort } from '../core/contracts.ts';

/** Resolves as soon as there is room, or the source stops: a stream that stops may never have room again. */
export const roomOrStop = (port: SourcePort, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    port
      .room()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
