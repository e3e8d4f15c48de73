import { SluiceError } from '../../core/errors.ts';

/** Where models are fetched from, by the environment variables that the hub's own tools read. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly offline: boolean;
}

/** How long a server is waited for. */
export interface Patience {
  /** Until an answer begins. */
  readonly answer_ms: number;
  /** Until more of an answer comes. */
  readonly idle_ms: number;
  /** Tries in a row that bring nothing. */
  readonly tries: number;
  readonly retry_ms: number;
  /** A server that asks for a longer pause is not waited for. */
  readonly longest_wait_ms: number;
}

export const PATIENCE: Patience = {
  answer_ms: 30_000,
  idle_ms: 60_000,
  tries: 5,
  retry_ms: 500,
  longest_wait_ms: 60_000,
};

const DEFAULT_ENDPOINT = 'https://huggingface.co';
const YES = /^(1|on|yes|true)$/i;

/** @throws SluiceError SLUICE_USAGE; no message has a secret in it */
export const hubSettings = (env: Readonly<Record<string, string | undefined>> = process.env): HubSettings => {
  const text = env.HF_ENDPOINT || DEFAULT_ENDPOINT;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new SluiceError('SLUICE_USAGE', 'HF_ENDPOINT is not an http or https address', {
      hint: `Write it like ${DEFAULT_ENDPOINT}.`,
    });
  if (url.username !== '' || url.password !== '')
    throw new SluiceError('SLUICE_USAGE', 'HF_ENDPOINT has credentials in it', {
      hint: 'HF_TOKEN is the place for them.',
    });
  const token = env.HF_TOKEN?.trim() || undefined;
  // What cannot be sent as a header would be quoted in the error about it.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new SluiceError('SLUICE_USAGE', 'HF_TOKEN has characters that no token has', {
      hint: 'Look for blanks and line breaks in it.',
    });
  return {
    endpoint: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    token,
    offline: YES.test(env.HF_HUB_OFFLINE ?? ''),
  };
};
