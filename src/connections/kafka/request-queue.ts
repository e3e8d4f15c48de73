import { createRequire } from 'node:module';

interface RequestQueue {
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
}

/** kafkajs' own CHECK_PENDING_REQUESTS_INTERVAL. */
const CHECK_MS = 10;

/**
 * kafkajs 2.2.4 sets timers to moments long past where nothing is throttled; Node 24 answers with the one millisecond
 * it always gave, and a warning on standard error. The same without the warning.
 */
export const mendRequestQueue = (): void => {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
    prototype: RequestQueue;
  };
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    const throttled = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId ??= setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttled > 0 ? throttled : this.pending.length > 0 ? CHECK_MS : 1,
    );
  };
};
