import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';

/** What undici says to a connector. */
interface Target {
  readonly hostname: string;
  readonly port: string;
}
type Callback = (error: Error | null, socket: TLSSocket | null) => void;

const CONNECT_MS = 10_000;

/**
 * Connects to servers whose certificate an authority has signed of which only the fingerprint is known. A first
 * connection asks for the authority's certificate: the fingerprint proves that it is the one, but anybody may show it.
 * With it TLS can judge every connection as it judges those of a known authority: signatures, dates, purposes. Only host
 * names are not compared, as the authority signs for nobody else.
 */
export const pinnedConnector = (fingerprint: string, options: ConnectionOptions) => {
  let known: string | undefined;
  const open = async (target: Target): Promise<TLSSocket> => {
    if (known === undefined) {
      // Sends nothing but the handshake.
      const socket = await secured(target, { ...options, rejectUnauthorized: false });
      const found = authorityOf(socket, fingerprint);
      socket.destroy();
      if (found === undefined)
        throw new Error('the fingerprint does not match: none of the certificates that the server shows has it');
      known = found;
    }
    const checkServerIdentity = () => undefined;
    return secured(target, { ...options, ca: known, rejectUnauthorized: true, checkServerIdentity });
  };
  return (target: Target, callback: Callback): void => {
    open(target).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, null),
    );
  };
};

const secured = ({ hostname, port }: Target, options: ConnectionOptions): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({
      ...options,
      host: hostname,
      port: Number(port || 443),
      servername: isIP(hostname) === 0 ? hostname : '',
      ALPNProtocols: ['http/1.1'],
    });
    const timer = setTimeout(() => socket.destroy(new Error(`no TLS connection within ${CONNECT_MS} ms`)), CONNECT_MS);
    socket.setKeepAlive(true, 60_000).setNoDelay(true);
    const failed = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });

/** The certificate with the fingerprint among those that lead from the server's to the last one, as PEM. */
const authorityOf = (socket: TLSSocket, fingerprint: string): string | undefined => {
  const plain = (text: string) => text.replaceAll(':', '').toLowerCase();
  const seen = new Set<string>();
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.fingerprint256 !== undefined && !seen.has(certificate.fingerprint256)) {
    if (plain(certificate.fingerprint256) === plain(fingerprint))
      return new X509Certificate(certificate.raw).toString();
    seen.add(certificate.fingerprint256);
    certificate = certificate.issuerCertificate;
  }
  return undefined;
};
