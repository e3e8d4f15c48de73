import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type kafkajs from 'kafkajs';
import { AddressFaults } from './address-faults.ts';
import { plainToTls, tlsFault } from './tls.ts';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of one kafkajs instance. kafkajs 2.2.4 loses track of connections when a broker restarts, and each of
 * them keeps the process alive for ever: what is left after `disconnect` is closed here. It also keeps to itself why a
 * connection failed until it has tried many times: that is remembered here.
 */
export class Sockets {
  readonly faults = new AddressFaults();
  readonly #open = new Set<Socket>();
  #closed = false;

  readonly factory: kafkajs.ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket: Socket = ssl
      ? connectTls({ host, port, ...name, ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#open.add(socket);
    const address = `${host}:${port}`;
    socket.once('error', (error) => {
      if (!this.#closed) this.faults.failed(address, tlsFault(error, socket) ?? error);
    });
    socket.once('data', (answer: Buffer) => {
      const fault = ssl ? undefined : plainToTls(answer);
      // Destroyed, because kafkajs would wait for the rest of such an answer.
      if (fault !== undefined) socket.destroy(fault);
      else this.faults.reached(address);
    });
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    // An error, because that is what kafkajs listens to: it then clears its timers too.
    for (const socket of this.#open) socket.destroy(new Error('the Kafka client is closed'));
  }
}
