import { messageOf, ProcessorError, SluiceError } from '../../core/errors.ts';
import { Refusal } from '../../core/refusal.ts';

/** An error as Elasticsearch answers it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;
}

/** Statuses of exceptions that a document or its options cause. */
const STATUS: Readonly<Record<string, number>> = { illegal_argument_exception: 400, status_exception: 400 };

export const errorBody = (status: number, type: string, reason: string): object => ({
  error: { root_cause: [{ type, reason }], type, reason },
  status,
});

/** What a fault says to the caller. What is sluice's own fault says nothing of what is inside. */
export const errorAnswer = (error: unknown): ErrorAnswer => {
  if (error instanceof Refusal)
    return {
      status: error.status,
      body: errorBody(error.status, error.type, error.message),
      headers: error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) },
    };
  if (error instanceof ProcessorError) {
    const status = STATUS[error.type] ?? 500;
    return { status, body: errorBody(status, error.type, error.message), headers: {} };
  }
  if (error instanceof SluiceError) {
    const status = /^SLUICE_(MODEL|HUB|USAGE)/.test(error.code) ? 400 : 500;
    const reason = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
    return { status, body: errorBody(status, 'status_exception', reason), headers: {} };
  }
  return {
    status: 500,
    body: errorBody(500, 'exception', `a fault of sluice itself: ${(error as Error)?.name ?? typeof error}`),
    headers: {},
  };
};

/** One error inside an answer to many: an item of a bulk, a text of several. */
export const errorItem = (error: unknown): object =>
  (errorAnswer(error).body as { readonly error: { readonly type: string; readonly reason: string } }).error;

export const reasonOf = (error: unknown): string => messageOf(error);
