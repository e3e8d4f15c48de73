import { type Connection, instancesChannel } from '@platformatic/kafka';
import { CredentialsError } from './connect.ts';
import { plainToTls, TlsFault, tlsFault } from './tls.ts';

interface Tree {
  readonly message: string;
  readonly code?: string;
  readonly apiId?: string;
  readonly cause?: Tree;
  readonly errors?: readonly Tree[];
}

const flat = (error: Tree): Tree[] => [
  error,
  ...(error.cause === undefined ? [] : flat(error.cause)),
  ...(error.errors ?? []).flatMap(flat),
];

/** Kafka's name of an error, where the broker answered with one. */
export const apiIdOf = (error: unknown): string | undefined =>
  flat(error as Tree).find(({ apiId }) => apiId !== undefined)?.apiId;

/** The broker's answer, or why there is none, in words that connect.ts understands. */
export const plainError = (error: unknown): Error & { readonly type?: string } => {
  const all = flat(error as Tree);
  const fault = all.find((entry) => entry instanceof TlsFault);
  if (fault !== undefined) return fault as TlsFault;
  if (all.some(({ message }) => message === 'Broker requires TLS.')) return plainToTls(Buffer.from([0x15, 0x03]))!;
  const refused = all.find(
    ({ code, apiId }) => code === 'PLT_KFK_AUTHENTICATION' || apiId === 'SASL_AUTHENTICATION_FAILED',
  );
  if (refused !== undefined) return new CredentialsError(refused.message, { cause: error });
  // The library looks a topic up before it asks for it, and has no name of Kafka's for that it is not there.
  const unknown = all.some(({ message }) => message.startsWith('Unknown topic'));
  const type = apiIdOf(error) ?? (unknown ? 'UNKNOWN_TOPIC_OR_PARTITION' : undefined);
  // The innermost one says what happened, the others that it failed several times.
  const plain = new Error(
    all.find(({ apiId }) => apiId === type && type !== undefined)?.message ?? all.at(-1)!.message,
    {
      cause: error,
    },
  );
  return type === undefined ? plain : Object.assign(plain, { type });
};

/** Why connections failed, which the library tells only with the request that waited for them, and not always. */
export class ConnectionFaults {
  readonly #owners = new Set<number>();
  readonly #open = new Set<Connection>();
  readonly #faults = new Map<string, Error>();
  #changed = () => {};

  constructor() {
    instancesChannel.subscribe(this.#created);
  }

  /** Watches the connections of a client from now on. */
  watch(owner: { readonly instanceId: number }): void {
    this.#owners.add(owner.instanceId);
  }

  get lastFault(): Error | undefined {
    return [...this.#faults.values()].at(-1);
  }

  whenHopeless(places: readonly string[], call: (fault: TlsFault) => void): void {
    this.#changed = () => {
      const faults = places.map((place) => this.#faults.get(place));
      if (faults.every((fault) => fault instanceof TlsFault)) call(faults[0]!);
    };
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
    instance.on('connect', () => this.#faults.delete(placeOf(instance)));
    instance.on('error', (error: Error) => {
      const reason = flat(error as Tree).at(-1) as Error;
      const place = placeOf(instance);
      this.#faults.delete(place);
      this.#faults.set(place, (instance.socket && tlsFault(reason, instance.socket)) ?? reason);
      this.#changed();
    });
  };
}

const placeOf = ({ host, port }: Connection): string => `${host}:${port}`;
