import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type kafkajs from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of one kafkajs instance. kafkajs 2.2.4 loses track of connections when a broker restarts, and each of
 * them keeps the process alive for ever: what is left after `disconnect` is closed here.
 */
export class Sockets {
  readonly #open = new Set<Socket>();

  readonly factory: kafkajs.ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket: Socket = ssl
      ? connectTls({ host, port, ...name, ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  close(): void {
    // An error, because that is what kafkajs listens to: it then clears its timers too.
    for (const socket of this.#open) socket.destroy(new Error('the Kafka client is closed'));
  }
}
