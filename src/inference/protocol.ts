import { messageOf, SluiceError } from '../core/errors.ts';

/** What a deployment tells its threads. */
export type ToWorker<Request> =
  | { readonly kind: 'job'; readonly job: Request & { readonly id: number } }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'close' };

/** What a thread tells its deployment. */
export type FromWorker<Output> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly place: string | undefined }
  | { readonly kind: 'done'; readonly id: number; readonly output: Output }
  /** The text's or the options' own fault. */
  | { readonly kind: 'refused'; readonly id: number; readonly type: string; readonly message: string }
  /** What was cancelled before it had run. */
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'closed' };

/** What a thread tells when its model cannot be loaded. */
export const loadFailure = (error: unknown): Extract<FromWorker<never>, { kind: 'failed' }> => {
  const known = error instanceof SluiceError;
  return {
    kind: 'failed',
    code: known ? error.code : 'SLUICE_MODEL_INVALID',
    message: messageOf(error),
    place: known ? error.place : undefined,
  };
};
