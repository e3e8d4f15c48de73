import type { ErrorCode } from '../../core/error-codes.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { brokerList, type KafkaConnectionOptions } from './options.ts';
import { TlsFault } from './tls.ts';

/** Who connects: it decides the code of an error, and with it the exit status. */
export type Side = 'source' | 'sink';

const CODES = {
  source: { auth: 'SLUICE_SOURCE_AUTH', unreachable: 'SLUICE_SOURCE_UNREACHABLE' },
  sink: { auth: 'SLUICE_SINK_AUTH', unreachable: 'SLUICE_SINK_UNREACHABLE' },
} as const satisfies Record<Side, Record<string, ErrorCode>>;

const RETRY_MS = 500;

/** The broker knows neither this user nor this password. */
export class CredentialsError extends Error {
  override name = 'CredentialsError';
}

/** Why connections failed, as a client can tell it. */
export interface Faults {
  readonly lastFault: Error | undefined;
  /** Calls back when none of these addresses can be reached, however often it is tried. */
  whenHopeless(places: readonly string[], call: (fault: TlsFault) => void): void;
}

/** Errors that trying again does not help: wrong credentials or certificates, or a lack of rights. */
export const isRefusal = (error: unknown): boolean => {
  if (error instanceof TlsFault || error instanceof CredentialsError) return true;
  const { name, type } = error as { name?: string; type?: string };
  return name === 'KafkaJSSASLAuthenticationError' || type?.endsWith('_AUTHORIZATION_FAILED') === true;
};

/** What a failed connection means, and the way out. */
export const connectionFailure = (
  error: unknown,
  { brokers, connect_timeout }: KafkaConnectionOptions,
  side: Side,
): SluiceError => {
  if (error instanceof SluiceError) return error;
  const place = brokerList(brokers).join(', ');
  if (error instanceof TlsFault)
    return new SluiceError(CODES[side][error.refused ? 'auth' : 'unreachable'], error.message, {
      place,
      hint: error.refused
        ? 'Set tls.certificate and tls.key to what an authority that the broker trusts has signed for clients.'
        : "Check brokers and tls: its ca, and whether the broker's certificate names this host.",
      cause: error,
    });
  if (isRefusal(error)) {
    const rights = (error as { type?: string }).type;
    return new SluiceError(
      CODES[side].auth,
      rights === undefined
        ? `the broker refused the credentials: ${messageOf(error)}`
        : `the broker refuses it to this user (${rights}): ${messageOf(error)}`,
      { place, hint: 'Check sasl, tls, and the rights (ACLs) on the group and the topics.', cause: error },
    );
  }
  return new SluiceError(
    CODES[side].unreachable,
    `no broker answered within ${connect_timeout / 1000} s: ${messageOf(error)}`,
    {
      place,
      hint: 'Check brokers, the network, tls and the advertised listeners; connect_timeout sets how long the start waits.',
      cause: error,
    },
  );
};

/**
 * Connects, trying again until connect_timeout: kafkajs has a patience of its own, longer than a user's who said how
 * long to wait.
 * @throws SluiceError
 */
export const connectWithin = async (
  options: KafkaConnectionOptions,
  side: Side,
  faults: Faults,
  connect: () => Promise<void>,
): Promise<void> => {
  const end = Date.now() + options.connect_timeout;
  const hopeless = new Promise<never>((_, reject) => {
    faults.whenHopeless(brokerList(options.brokers), reject);
  });
  hopeless.catch(() => {});
  for (;;) {
    try {
      const late = new Promise<never>((_, reject) => {
        setTimeout(() => reject(faults.lastFault ?? new Error('no answer')), Math.max(1, end - Date.now())).unref();
      });
      await Promise.race([connect(), hopeless, late]);
      return;
    } catch (error) {
      if (isRefusal(error) || Date.now() >= end) throw connectionFailure(error, options, side);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
};
