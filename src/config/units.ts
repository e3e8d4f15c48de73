import { z } from 'zod';

const BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const unit = (units: Readonly<Record<string, number>>, what: string, example: string) =>
  z.union([z.string(), z.number()]).transform((value, context): number => {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(value).trim());
    const factor = match === null ? undefined : match[2] === '' ? 1 : units[match[2]!.toLowerCase()];
    if (match !== null && factor !== undefined) return Math.round(Number(match[1]) * factor);
    context.addIssue(`not ${what}: write it like ${example}, with one of [${Object.keys(units).join(', ')}]`);
    return z.NEVER;
  });

/** A size like Elasticsearch's `64mb`; a bare number counts bytes. Parses to bytes. */
export const bytes = () => unit(BYTES, 'a size', '64mb');

/** A time like Elasticsearch's `30s`; a bare number counts milliseconds. Parses to milliseconds. */
export const duration = () => unit(TIMES, 'a time', '30s');
