import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonCodec } from '../../src/codecs/json.ts';
import type { Decoded, SourcePort, SourceRecord } from '../../src/core/contracts.ts';
import { writeJson } from '../../src/core/json/write.ts';
import { dumpSourceOptions } from '../../src/sources/dump/options.ts';
import { DumpSource } from '../../src/sources/dump/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-dump-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let made = 0;

/** A file of its own, with this name. */
export const place = (name: string, bytes: string | Uint8Array): string => {
  const path = join(mkdtempSync(join(folder, `${made++}-`)), name);
  writeFileSync(path, bytes);
  return path;
};

export interface DumpReading {
  readonly records: readonly SourceRecord[];
  /** The documents as JSON, or what is wrong with them. */
  readonly documents: readonly string[];
  readonly ids: readonly string[];
  readonly error: (Error & { readonly code?: string }) | undefined;
}

export interface ReadDumpOptions {
  /** Options of the source, beside its paths. */
  readonly options?: object;
  /** Where an earlier run has come to. */
  readonly from?: ReadonlyMap<string, bigint>;
  /** Default: true. */
  readonly defaultIds?: boolean;
  readonly whenDelivered?: () => void;
  readonly beforeResume?: () => void;
}

/** Reads a dump to its end, or to its error. */
export const readDump = async (
  paths: string | readonly string[],
  { options = {}, from, defaultIds = true, whenDelivered, beforeResume }: ReadDumpOptions = {},
): Promise<DumpReading> => {
  const checkpoint = join(folder, `${made++}.checkpoint.json`);
  const open = (resume: boolean) =>
    new DumpSource({
      options: dumpSourceOptions.parse({ paths, checkpoint, ...options }),
      stream: 'test',
      resume,
      defaultIds,
    });
  if (from !== undefined) {
    const earlier = open(false);
    await read(earlier, () => {});
    await earlier.commit(from);
    await earlier.close();
    beforeResume?.();
  }
  const records: SourceRecord[] = [];
  const source = open(from !== undefined);
  const error = await read(source, (some) => {
    records.push(...some);
    whenDelivered?.();
  });
  await source.close();
  return { records, documents: records.map(documentOf), ids: records.map(({ defaultId }) => defaultId()), error };
};

const read = async (source: DumpSource, deliver: (records: readonly SourceRecord[]) => void) => {
  const error = await new Promise<Error | undefined>((resolve) => {
    const port: SourcePort = {
      assigned: () => undefined,
      revoked: () => {},
      deliver: (_, some) => deliver(some),
      full: false,
      room: async () => {},
      ended: () => resolve(undefined),
      trouble: () => {},
      failed: resolve,
    };
    source.start(port).catch(resolve);
  });
  await source.stop();
  return error;
};

const documentOf = ({ value, codec = jsonCodec(), headers }: SourceRecord): string => {
  if (value === null) return 'deleted';
  try {
    return writeJson((codec.decode(value, headers) as Decoded).source);
  } catch (error) {
    return (error as Error).message;
  }
};
