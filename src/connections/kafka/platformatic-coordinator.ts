import { type Admin, type Connection, FindCoordinatorKeyTypes } from '@platformatic/kafka';

/** The broker that keeps a group. */
export class Coordinator {
  readonly #admin: Admin;
  readonly #groupId: string;
  #connection: Connection | undefined;

  constructor(admin: Admin, groupId: string) {
    this.#admin = admin;
    this.#groupId = groupId;
  }

  async connect(): Promise<Connection> {
    if (this.#connection?.isConnected() === true) return this.#connection;
    const [found] = await this.#admin.findCoordinator({
      keyType: FindCoordinatorKeyTypes.GROUP,
      keys: [this.#groupId],
    });
    this.#connection = await this.#admin.connections.get({ host: found!.host, port: found!.port });
    return this.#connection;
  }

  /** It may be another broker by now. */
  forget(): void {
    this.#connection = undefined;
  }
}
