import { CredentialsError } from './connect.ts';
import { plainToTls, TlsFault } from './tls.ts';

interface Tree {
  readonly message: string;
  readonly code?: string;
  readonly apiId?: string;
  readonly cause?: Tree;
  readonly errors?: readonly Tree[];
}

const flat = (error: Tree): Tree[] => [
  error,
  ...(error.cause === undefined ? [] : flat(error.cause)),
  ...(error.errors ?? []).flatMap(flat),
];

/** The innermost error of all: what happened. */
export const innermost = (error: unknown): Error => flat(error as Tree).at(-1) as Error;

/** Kafka's name of an error, where the broker answered with one. */
export const apiIdOf = (error: unknown): string | undefined =>
  flat(error as Tree).find(({ apiId }) => apiId !== undefined)?.apiId;

/** The broker's answer, or why there is none, in words that connect.ts understands. */
export const plainError = (error: unknown): Error & { readonly type?: string } => {
  const all = flat(error as Tree);
  const fault = all.find((entry) => entry instanceof TlsFault);
  if (fault !== undefined) return fault as TlsFault;
  if (all.some(({ message }) => message === 'Broker requires TLS.')) return plainToTls(Buffer.from([0x15, 0x03]))!;
  const refused = all.find(
    ({ code, apiId }) => code === 'PLT_KFK_AUTHENTICATION' || apiId === 'SASL_AUTHENTICATION_FAILED',
  );
  if (refused !== undefined) return new CredentialsError(refused.message, { cause: error });
  // The library looks a topic up before it asks for it, and has no name of Kafka's for that it is not there.
  const unknown = all.some(({ message }) => message.startsWith('Unknown topic'));
  const type = apiIdOf(error) ?? (unknown ? 'UNKNOWN_TOPIC_OR_PARTITION' : undefined);
  // The innermost one says what happened, the others that it failed several times.
  const plain = new Error(
    all.find(({ apiId }) => apiId === type && type !== undefined)?.message ?? all.at(-1)!.message,
    {
      cause: error,
    },
  );
  return type === undefined ? plain : Object.assign(plain, { type });
};
