import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A door in front of the broker that is slow, narrow, mute or shut, as the schedule wants. */
export class KafkaProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Milliseconds that every chunk waits. */
  latency = 0;
  /** Bytes a second of each connection; 0 is no bound. */
  bandwidth = 0;
  /** Connections stay open and nothing passes. */
  mute = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param target port of the broker's listener */
  static async before(target: number, port: number): Promise<KafkaProxy> {
    const server = createServer();
    const proxy = new KafkaProxy(server, port);
    server.on('connection', (client) => proxy.#join(client, connect(target, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  /** Cuts every connection, in the middle of whatever it was doing. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.#server.close();
    this.reset();
  }

  #join(client: Socket, broker: Socket): void {
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        if (this.latency === 0 && this.bandwidth === 0 && !this.mute) return void to.write(chunk);
        from.pause();
        void this.#later(chunk.length).then(() => {
          if (to.destroyed) return;
          to.write(chunk);
          from.resume();
        });
      });
    }
  }

  async #later(bytes: number): Promise<void> {
    while (this.mute) await sleep(50);
    await sleep(this.latency + (this.bandwidth === 0 ? 0 : (1000 * bytes) / this.bandwidth));
  }
}
