import { messageOf, SluiceError } from '../../core/errors.ts';

/** What was asked for, for an error about the answer. */
export interface AskedFor {
  /** Without the query, which may be a signature. */
  readonly place: string;
  readonly withToken: boolean;
}

/** An address as it may be shown. */
export const shownUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

/** Another try may help. */
export class Passing extends Error {
  /** What the server asked to wait. */
  readonly wait_ms: number | undefined;
  constructor(message: string, wait_ms?: number, options?: ErrorOptions) {
    super(message, options);
    this.wait_ms = wait_ms;
  }
}

export const unreachable = (place: string, error: unknown): SluiceError =>
  new SluiceError('SLUICE_HUB_UNREACHABLE', `the server cannot be reached: ${messageOf(causeOf(error))}`, {
    place,
    hint: 'Try again: what was fetched is kept. HF_ENDPOINT names a mirror; NODE_USE_ENV_PROXY=1 makes Node use HTTPS_PROXY.',
    cause: error,
  });

export const notAHub = (place: string, what: string): SluiceError =>
  new SluiceError('SLUICE_HUB_UNREACHABLE', `the server answered with ${what}`, {
    place,
    hint: 'Is it the hub, or the page of a proxy that asks for a login? HF_ENDPOINT names the hub.',
  });

/** `fetch failed` hides what failed. */
const causeOf = (error: unknown): unknown =>
  error instanceof TypeError && error.cause !== undefined ? error.cause : error;

type Refusal = (asked: AskedFor, code: string | null) => SluiceError;

/** By status; the hub says more in `x-error-code`. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  401: ({ place, withToken }) =>
    withToken
      ? new SluiceError('SLUICE_HUB_AUTH', 'the hub refused the token', {
          place,
          hint: 'HF_TOKEN may be revoked or expired. Make a new one in the settings of the hub.',
        })
      : new SluiceError('SLUICE_HUB_AUTH', 'the hub asks for a token: the repository is private or does not exist', {
          place,
          hint: 'Check its name. Where it is private, set HF_TOKEN to a token that may read it.',
        }),
  403: ({ place, withToken }, code) =>
    new SluiceError(
      'SLUICE_HUB_AUTH',
      code === 'GatedRepo'
        ? 'the repository is gated: its owners decide who may have it'
        : 'the hub does not let this user have it',
      {
        place,
        hint: `Ask for access on the page of the repository${withToken ? '' : ', and set HF_TOKEN to a token of the user who has it'}.`,
      },
    ),
  404: ({ place }, code) =>
    new SluiceError(
      'SLUICE_MODEL_MISSING',
      code === 'RevisionNotFound'
        ? 'the repository has no such revision'
        : code === 'EntryNotFound'
          ? 'the file is not in the repository'
          : code === 'RepoNotFound'
            ? 'the hub has no such repository'
            : 'there is no such repository, revision or file',
      { place, hint: 'Names are OWNER/NAME, revisions are branches, tags or commits after an @.' },
    ),
};

/** @throws SluiceError or Passing, by the status */
export const refuse = (response: Response, asked: AskedFor): never => {
  const { status, headers } = response;
  const refusal = REFUSALS[status];
  if (refusal !== undefined) throw refusal(asked, headers.get('x-error-code'));
  if (status === 429) throw new Passing('too many requests (HTTP status 429)', retryAfter(headers));
  if (status >= 500 || status === 408) throw new Passing(`HTTP status ${status}`, retryAfter(headers));
  throw notAHub(asked.place, `HTTP status ${status}`);
};

const retryAfter = (headers: Headers): number | undefined => {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
};
