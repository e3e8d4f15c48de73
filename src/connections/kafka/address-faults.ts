import type { Faults } from './connect.ts';
import { TlsFault } from './tls.ts';

/** Why the last connection to each address failed. */
export class AddressFaults implements Faults {
  readonly #faults = new Map<string, Error>();
  #changed = () => {};

  failed(address: string, fault: Error): void {
    // The newest one is the last of the map.
    this.#faults.delete(address);
    this.#faults.set(address, fault);
    this.#changed();
  }

  reached(address: string): void {
    this.#faults.delete(address);
  }

  get lastFault(): Error | undefined {
    return [...this.#faults.values()].at(-1);
  }

  whenHopeless(addresses: readonly string[], call: (fault: TlsFault) => void): void {
    this.#changed = () => {
      const faults = addresses.map((address) => this.#faults.get(address));
      if (faults.every((fault) => fault instanceof TlsFault)) call(faults[0]!);
    };
  }
}
