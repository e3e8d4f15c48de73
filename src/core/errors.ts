import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export interface ErrorDetails {
  readonly cause?: unknown;
  /** Where: `file:line:column`, `topic/partition/offset`, a pipeline and processor. */
  readonly place?: string;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
}

/** An error that sluice shows to people: what, where, and the way out. */
export class SluiceError extends Error {
  override name = 'SluiceError';
  readonly code: ErrorCode;
  readonly place: string | undefined;
  readonly hint: string | undefined;
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.place = details.place;
    this.hint = details.hint;
  }
  get exitCode(): number {
    return ERROR_CODES[this.code].exitCode;
  }
}

/**
 * A fault of one document, under the exception name that Elasticsearch gives it. Caught by `ignore_failure` and
 * `on_failure`; ends in the dead letter where nothing catches it.
 */
export class ProcessorError extends Error {
  override name = 'ProcessorError';
  /** As in `error.type` of Elasticsearch's answers, e.g. `illegal_argument_exception`. */
  readonly type: string;
  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/** The exception Elasticsearch throws for most wrong values. */
export const illegalArgument = (message: string): ProcessorError =>
  new ProcessorError('illegal_argument_exception', message);

/** What an unknown thrown thing says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
