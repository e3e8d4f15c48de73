import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';

/** A key as it is kept: the secret has 128 bits of chance, so its checksum cannot be guessed back. */
export const apiKeySchema = z.strictObject({
  id: z.string().min(1).describe('Its name.'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('Of its secret; `sluice serve --new-api-key NAME` makes one.'),
});
export type ApiKey = z.output<typeof apiKeySchema>;

/** A new key: what is kept, and what the caller sends as `Authorization: ApiKey …`. */
export const newApiKey = (id: string): { readonly kept: ApiKey; readonly encoded: string } => {
  const secret = randomBytes(16).toString('base64url');
  return {
    kept: { id, sha256: hash('sha256', secret, 'hex') },
    encoded: Buffer.from(`${id}:${secret}`).toString('base64'),
  };
};

/** True where the request brings one of the keys. */
export const mayEnter = (request: IncomingMessage, keys: readonly ApiKey[]): boolean => {
  const [, encoded] = /^ApiKey\s+([A-Za-z0-9+/=_-]{1,4096})$/i.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return false;
  const id = text.slice(0, colon);
  const found = Buffer.from(hash('sha256', text.slice(colon + 1), 'hex'));
  let enters = false;
  // Every key is compared, so that the time says nothing of which there are.
  for (const key of keys) if (timingSafeEqual(found, Buffer.from(key.sha256)) && key.id === id) enters = true;
  return enters;
};
