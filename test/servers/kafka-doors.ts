import { tlsFile, tlsText } from '../support/tls.ts';
import { freePort } from './server.ts';
import { SASL_USER } from './versions.ts';

/** What a door asks of who comes in, by the environment variable that tests find it by. */
const DOORS = {
  SLUICE_TEST_SASL_BROKERS: { listener: 'SASL', protocol: 'SASL_PLAINTEXT', certificate: 'none' },
  SLUICE_TEST_TLS_BROKERS: { listener: 'TLS', protocol: 'SSL', certificate: 'none' },
  SLUICE_TEST_MTLS_BROKERS: { listener: 'MTLS', protocol: 'SSL', certificate: 'required' },
  SLUICE_TEST_SASL_TLS_BROKERS: { listener: 'SASLTLS', protocol: 'SASL_SSL', certificate: 'none' },
} as const;

export interface Doors {
  /** Addresses by environment variable. */
  readonly env: Readonly<Record<string, string>>;
  /** For `listeners` and `advertised.listeners`, with a comma in front. */
  readonly listeners: string;
  /** For `listener.security.protocol.map`, with a comma in front. */
  readonly protocols: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Content of the key store: a PEM file holds the key and its certificates. */
  readonly keyStore: string;
}

const LOGIN = 'org.apache.kafka.common.security';
const { username, password } = SASL_USER;
const MODULES = {
  plain: `plain.PlainLoginModule required user_${username}="${password}"`,
  'scram-sha-256': 'scram.ScramLoginModule required',
  'scram-sha-512': 'scram.ScramLoginModule required',
  oauthbearer: 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"',
};

/** @param keyStore where the key store's file will be */
export const kafkaDoors = async (keyStore: string): Promise<Doors> => {
  const env: Record<string, string> = {};
  let [listeners, protocols] = ['', ''];
  const properties: Record<string, string> = {
    'sasl.enabled.mechanisms': Object.keys(MODULES).join().toUpperCase(),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': tlsFile('ca.crt'),
  };
  for (const [variable, { listener, protocol, certificate }] of Object.entries(DOORS)) {
    env[variable] = `127.0.0.1:${await freePort()}`;
    listeners += `,${listener}://${env[variable]}`;
    protocols += `,${listener}:${protocol}`;
    const prefix = `listener.name.${listener.toLowerCase()}`;
    properties[`${prefix}.ssl.client.auth`] = certificate;
    if (protocol.startsWith('SASL'))
      for (const [mechanism, module] of Object.entries(MODULES))
        properties[`${prefix}.${mechanism}.sasl.jaas.config`] = `${LOGIN}.${module};`;
  }
  return { env, listeners, protocols, properties, keyStore: `${tlsText('server.key')}${tlsText('server.crt')}` };
};
