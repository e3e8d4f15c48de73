import { jsonCodec } from '../codecs/json.ts';
import type { Source } from '../core/contracts.ts';
import { SluiceError } from '../core/errors.ts';
import { dumpSourceOptions } from '../sources/dump/options.ts';
import { DumpSource } from '../sources/dump/source.ts';
import type { LoadedStream } from './load-stream.ts';
import { selectSource } from './select-source.ts';

export interface StoreOptions {
  readonly checkpoint?: string | undefined;
  readonly resume?: boolean | undefined;
  readonly rate?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * Reads what a stream's dead letter destination has kept.
 * @throws SluiceError SLUICE_USAGE where the stream has none that can be read
 */
export const deadLetterStore = ({ config, name, file }: LoadedStream, options: StoreOptions = {}): Source => {
  const { file: target } = config.dead_letter ?? {};
  if (target !== undefined)
    return selectSource(
      new DumpSource({
        options: dumpSourceOptions.parse({
          paths: target.path,
          format: 'ndjson',
          ...(options.checkpoint !== undefined && { checkpoint: options.checkpoint }),
        }),
        stream: name,
        resume: options.resume === true,
        defaultIds: false,
      }),
      { selection: { limit: options.limit }, rate: options.rate, codec: jsonCodec() },
    );
  throw new SluiceError('SLUICE_USAGE', 'the stream has no dead letters that can be read', {
    place: file,
    hint: 'Configure dead_letter.',
  });
};
