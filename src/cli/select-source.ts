import { systemClock } from '../core/clock.ts';
import type { Codec, Source } from '../core/contracts.ts';
import type { StreamLog } from '../runtime/stream-options.ts';
import { PacedSource } from '../sources/paced-source.ts';
import { SelectedSource, type Selection } from '../sources/selected-source.ts';

export interface SelectOptions {
  readonly selection?: Selection | undefined;
  /** Documents a second at most. */
  readonly rate?: number | undefined;
  /** For records that bring none. */
  readonly codec: Codec;
  readonly log?: StreamLog;
}

/** A source of which not everything is wanted, or not at once. */
export const selectSource = (source: Source, { selection = {}, rate, codec, log }: SelectOptions): Source => {
  const chosen = Object.values(selection).some((value) => value !== undefined)
    ? new SelectedSource(source, selection, codec, (documents) =>
        log?.info('documents that were not selected', { documents }),
      )
    : source;
  return rate === undefined ? chosen : new PacedSource(chosen, rate, systemClock);
};

/** Of several limits, the one that counts. */
export const slowest = (...rates: readonly (number | undefined)[]): number | undefined => {
  const known = rates.filter((rate) => rate !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
