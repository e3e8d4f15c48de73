import { type Connection, instancesChannel } from '@platformatic/kafka';
import { AddressFaults } from './address-faults.ts';
import { innermost } from './platformatic-errors.ts';
import { tlsFault } from './tls.ts';

/** Why connections failed, which the library tells only with the request that waited for them, and not always. */
export class ConnectionFaults extends AddressFaults {
  readonly #owners = new Set<number>();
  readonly #open = new Set<Connection>();

  constructor() {
    super();
    instancesChannel.subscribe(this.#created);
  }

  /** Watches the connections of a client from now on. */
  watch(owner: { readonly instanceId: number }): void {
    this.#owners.add(owner.instanceId);
  }

  /** Whatever is still open would keep the process alive. */
  close(): void {
    instancesChannel.unsubscribe(this.#created);
    for (const { socket } of this.#open) socket?.destroy();
  }

  readonly #created = (event: unknown): void => {
    const { type, instance } = event as { readonly type: string; readonly instance: Connection };
    if (type !== 'connection' || instance.ownerId === undefined || !this.#owners.has(instance.ownerId)) return;
    this.#open.add(instance);
    instance.on('close', () => this.#open.delete(instance));
    instance.on('connect', () => this.reached(addressOf(instance)));
    instance.on('error', (error: Error) => {
      const reason = innermost(error);
      this.failed(addressOf(instance), (instance.socket && tlsFault(reason, instance.socket)) ?? reason);
    });
  };
}

const addressOf = ({ host, port }: Connection): string => `${host}:${port}`;
