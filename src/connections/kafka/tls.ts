import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { KafkaConnectionOptions } from './options.ts';

/** One side does not accept the other, and trying again does not help. */
export class TlsFault extends Error {
  override name = 'TlsFault';
  /** It is the broker that does not accept this side. */
  readonly refused: boolean;
  constructor(message: string, refused: boolean, cause?: unknown) {
    super(message, { cause });
    this.refused = refused;
  }
}

/** The fault behind a socket's error; undefined where it can be a passing one. */
export const tlsFault = (error: Error & { readonly code?: string }, socket: Socket): TlsFault | undefined => {
  const { code = '', message } = error;
  if (socket instanceof TLSSocket && String(socket.authorizationError) === code)
    // What Node advises after the semicolon is about Node's own options.
    return new TlsFault(`the broker's certificate is not accepted: ${message.split(';')[0]}`, false, error);
  const [, alert] = /^ERR_SSL_.*ALERT_(.+)$/.exec(code) ?? [];
  if (alert === undefined) return undefined;
  const reason = alert.toLowerCase().replaceAll('_', ' ');
  return /certificate|unknown ca|access denied/.test(reason)
    ? new TlsFault(`the broker wants a client certificate that it trusts (${reason})`, true, error)
    : new TlsFault(`the broker and sluice do not agree on TLS (${reason})`, false, error);
};

const ALERT = 0x15;
const MAJOR_VERSION = 0x03;

/** A broker answers a request without TLS with an alert of TLS; of Kafka's own answers none is as long as that reads. */
export const plainToTls = (answer: Uint8Array): TlsFault | undefined =>
  answer[0] === ALERT && answer[1] === MAJOR_VERSION
    ? new TlsFault('the broker speaks TLS at this port, and tls is not set', false)
    : undefined;

type Files = Exclude<NonNullable<KafkaConnectionOptions['tls']>, boolean>;

const pem = (path: string | undefined): Buffer | undefined => {
  if (path === undefined) return undefined;
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the certificate file cannot be read: ${messageOf(error)}`, {
      place: path,
    });
  }
  // Node takes an authority that is none for an empty list, and then trusts nobody.
  if (!content.includes('-----BEGIN '))
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'the file is not PEM: it has no line with -----BEGIN', {
      place: path,
    });
  return content;
};

/** What kafkajs hands to Node's TLS. @throws SluiceError where the files are not there or do not fit each other */
export const tlsOptions = ({ ca, certificate, key, passphrase, verify }: Files) => {
  if ((certificate === undefined) !== (key === undefined))
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'a client certificate needs both certificate and key', {
      place: 'tls',
    });
  const options = {
    ...(ca && { ca: pem(ca) }),
    ...(certificate && { cert: pem(certificate) }),
    ...(key && { key: pem(key) }),
    ...(passphrase && { passphrase }),
    rejectUnauthorized: verify,
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `the certificate files cannot be used: ${messageOf(error)}`, {
      place: [ca, certificate, key].filter(Boolean).join(', '),
      hint: 'Check that key belongs to certificate, and passphrase.',
      cause: error,
    });
  }
  return options;
};
