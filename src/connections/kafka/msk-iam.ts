import { createHash, createHmac } from 'node:crypto';
import type { SignatureV4Init } from '@smithy/signature-v4';
import { messageOf, SluiceError } from '../../core/errors.ts';

interface MskIamOptions {
  readonly region: string;
}

/** What Amazon's own signers ask for. Each login gets a token of its own, so this outlasts only the login. */
const EXPIRES_S = 900;

export type Credentials = SignatureV4Init['credentials'];

/** SHA-256, or HMAC where there is a key, as the signer asks for it. */
class Sha256 {
  readonly #hash;
  constructor(key?: unknown) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key as Buffer);
  }
  update(data: unknown): void {
    this.#hash.update(data as Buffer);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

/**
 * A token for OAUTHBEARER as Amazon MSK takes it: the presigned URL of `kafka-cluster:Connect`. Signed anew for each login,
 * so that none is about to expire; the credentials themselves are kept and refreshed by the SDK.
 */
export const mskIamToken = ({ region }: MskIamOptions, given?: Credentials): (() => Promise<{ value: string }>) => {
  let credentials = given;
  return async () => {
    try {
      const { SignatureV4 } = await import('@smithy/signature-v4');
      credentials ??= (await import('@aws-sdk/credential-provider-node')).defaultProvider();
      const signer = new SignatureV4({
        credentials,
        region,
        service: 'kafka-cluster',
        sha256: Sha256 as unknown as NonNullable<SignatureV4Init['sha256']>,
      });
      const hostname = `kafka.${region}.amazonaws.com`;
      const { query } = await signer.presign(
        {
          method: 'GET',
          protocol: 'https:',
          hostname,
          path: '/',
          headers: { host: hostname },
          query: { Action: 'kafka-cluster:Connect' },
        },
        { expiresIn: EXPIRES_S },
      );
      const parts = Object.entries({ ...query, 'User-Agent': 'sluice' }).map(
        ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
      );
      return { value: Buffer.from(`https://${hostname}/?${parts.join('&')}`).toString('base64url') };
    } catch (error) {
      throw new SluiceError('SLUICE_SOURCE_AUTH', `no token for Amazon MSK: ${messageOf(error)}`, {
        hint: 'Credentials come from the environment, a profile, a web identity, the container or the instance, as in the AWS SDK.',
        cause: error,
      });
    }
  };
};
