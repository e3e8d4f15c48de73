import { SluiceError } from '../../core/errors.ts';

interface OauthOptions {
  readonly token?: string | undefined;
  readonly token_endpoint?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly scope?: string | undefined;
}

const FETCH_TIMEOUT_MS = 10_000;

/** A token for OAUTHBEARER: the given one, or the client credentials grant (RFC 6749, section 4.4) for each login. */
export const oauthToken =
  ({ token, token_endpoint, client_id, client_secret, scope }: OauthOptions) =>
  async (): Promise<{ value: string }> => {
    if (token !== undefined) return { value: token };
    if (token_endpoint === undefined)
      throw new SluiceError('SLUICE_SOURCE_AUTH', 'sasl.oauthbearer needs token or token_endpoint');
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) });
    const credentials = Buffer.from(
      `${encodeURIComponent(client_id ?? '')}:${encodeURIComponent(client_secret ?? '')}`,
    ).toString('base64');
    const response = await fetch(token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    });
    if (!response.ok)
      throw new SluiceError('SLUICE_SOURCE_AUTH', `the token endpoint answered ${response.status}`, {
        place: token_endpoint,
      });
    const { access_token } = (await response.json()) as { access_token?: string };
    if (access_token === undefined)
      throw new SluiceError('SLUICE_SOURCE_AUTH', 'the token endpoint answered without access_token', {
        place: token_endpoint,
      });
    return { value: access_token };
  };
