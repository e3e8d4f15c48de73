import { isIP } from 'node:net';
import type { BaseOptions, ConnectionPool } from '@platformatic/kafka';
import { bearerToken } from './bearer.ts';
import { brokerList, type KafkaConnectionOptions } from './options.ts';
import { tlsOptions } from './tls.ts';

type Sasl = NonNullable<BaseOptions['sasl']>;

const MAX_CONNECT_MS = 10_000;

interface Reach extends BaseOptions {
  readonly requestTimeout: number;
  /** The broker that is connected to next. */
  readonly next: { host: string };
}

/** How to reach a cluster, as @platformatic/kafka wants to be told. */
export const connectionOptions = (options: KafkaConnectionOptions): Reach => {
  const { tls, sasl } = options;
  const next = { host: '' };
  return {
    clientId: options.client_id,
    bootstrapBrokers: brokerList(options.brokers),
    connectTimeout: Math.min(MAX_CONNECT_MS, options.connect_timeout),
    requestTimeout: options.request_timeout,
    next,
    ...(tls !== undefined &&
      tls !== false && {
        tls: {
          ...(tls !== true && tlsOptions(tls)),
          // Read anew for each connection. An address is no name: Node warns of it, and servers may refuse it.
          get servername() {
            return isIP(next.host) === 0 ? next.host : undefined;
          },
        },
      }),
    ...(sasl && { sasl: saslOf(sasl) }),
  };
};

/** Lets the connections of a pool tell the server by which name it was asked for. */
export const nameServers = (pool: ConnectionPool, { next }: Reach): void => {
  pool.on('connecting', ({ broker }) => {
    next.host = broker.host;
  });
};

const saslOf = (sasl: NonNullable<KafkaConnectionOptions['sasl']>): Sasl => {
  if ('plain' in sasl) return { mechanism: 'PLAIN', ...sasl.plain };
  if ('scram_sha_256' in sasl) return { mechanism: 'SCRAM-SHA-256', ...sasl.scram_sha_256 };
  if ('scram_sha_512' in sasl) return { mechanism: 'SCRAM-SHA-512', ...sasl.scram_sha_512 };
  const token = bearerToken(sasl);
  return { mechanism: 'OAUTHBEARER', token: async () => (await token()).value };
};
