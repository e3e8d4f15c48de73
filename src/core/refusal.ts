/** A request that is refused with the status, type and words that Elasticsearch has for it. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  /** As `error.type` of an answer. */
  readonly type: string;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, type: string, reason: string, retryAfter?: number) {
    super(reason);
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }
}

export const notFound = (reason: string): Refusal => new Refusal(404, 'resource_not_found_exception', reason);
export const conflict = (reason: string): Refusal => new Refusal(409, 'status_exception', reason);
export const badRequest = (reason: string): Refusal => new Refusal(400, 'status_exception', reason);
export const timedOut = (reason: string): Refusal => new Refusal(408, 'status_exception', reason);
export const queueFull = (): Refusal =>
  new Refusal(429, 'es_rejected_execution_exception', 'inference process queue is full. Unable to execute command', 1);
