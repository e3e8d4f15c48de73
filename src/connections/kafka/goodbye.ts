import { SluiceError } from '../../core/errors.ts';
import { brokerList, type KafkaConnectionOptions } from './options.ts';

/** How long a member that stops waits for brokers that do not answer: a library may try for a minute. */
const GOODBYE_MS = 5000;

/** While a member works, its library may try as long as it likes; once it stops, a few seconds have to do. */
export class Goodbye {
  readonly #connection: KafkaConnectionOptions;
  /** Of requests under way when the member stops. */
  readonly #hurry = new Set<() => void>();
  #said = false;

  constructor(connection: KafkaConnectionOptions) {
    this.#connection = connection;
  }

  say(): void {
    if (this.#said) return;
    this.#said = true;
    for (const hurry of this.#hurry) hurry();
  }

  /** @throws SluiceError SLUICE_SOURCE_UNREACHABLE */
  async notForEver<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let hurry = () => {};
    const late = new Promise<never>((_, reject) => {
      hurry = () => {
        timer = setTimeout(() => reject(this.#unheard()), GOODBYE_MS);
      };
    });
    if (this.#said) hurry();
    else this.#hurry.add(hurry);
    try {
      return await Promise.race([work, late]);
    } finally {
      this.#hurry.delete(hurry);
      clearTimeout(timer);
    }
  }

  #unheard(): SluiceError {
    return new SluiceError('SLUICE_SOURCE_UNREACHABLE', `no broker answered within ${GOODBYE_MS / 1000} s at the end`, {
      place: brokerList(this.#connection.brokers).join(', '),
      hint: 'The last positions may not be committed: the records behind them come again, and nothing is lost.',
    });
  }
}
