import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { type Answer, ask, patiently } from './ask.ts';
import { notAHub, Passing, shownUrl } from './refusals.ts';
import type { Patience } from './settings.ts';

/** A file on a server, with what is known of its content. */
export interface WantedFile {
  readonly name: string;
  readonly url: URL;
  readonly size: number | undefined;
  readonly sha256: string | undefined;
  /** SHA-1 of the file as git's blob, which the hub has for files that are not in its large file storage. */
  readonly git: string | undefined;
}

export interface DownloadOptions {
  readonly token: string | undefined;
  readonly patience: Patience;
  /** No file may be larger. */
  readonly most: number;
  /** Bytes that are there now and were not before; fewer than none where a server starts anew. */
  readonly count: (bytes: number) => void;
}

export interface Downloaded {
  readonly sha256: string;
  readonly size: number;
}

/**
 * Fetches a file to `target`. What came so far lies in `target.part` and is gone on with, also by a later process; only a
 * file with the right checksum gets its name.
 * @throws SluiceError
 */
export const download = async (wanted: WantedFile, target: string, options: DownloadOptions): Promise<Downloaded> => {
  const part = `${target}.part`;
  const place = shownUrl(wanted.url);
  if (wanted.size !== undefined && wanted.size > options.most) throw tooLarge(wanted.name, place, options.most);
  const there = await sizeIfThere(target);
  if (there !== undefined) {
    const known = await checksums(target);
    if (fits(known, wanted)) {
      options.count(known.size);
      return known;
    }
    await rm(target);
  }
  await onDisk(part, () => mkdir(dirname(target), { recursive: true }));
  let last: Expected = wanted;
  options.count((await sizeIfThere(part)) ?? 0);
  await patiently(place, options.patience, async (moved) => {
    last = await fetchRest(wanted, part, options, moved);
  });
  const known = await checksums(part);
  if (!fits(known, last)) {
    await rm(part, { force: true });
    throw new SluiceError(
      'SLUICE_MODEL_INVALID',
      `${wanted.name} is not what the hub says it is: ${difference(known, last)}`,
      {
        place,
        hint: 'It was thrown away. Try again; where it happens again, the source or a proxy before it is damaged.',
      },
    );
  }
  await onDisk(target, () => rename(part, target));
  return known;
};

type Expected = Pick<WantedFile, 'size' | 'sha256' | 'git'>;

/** Asks for what is missing of the part; answers with all that is known of the whole. */
const fetchRest = async (
  wanted: WantedFile,
  part: string,
  { token, patience, most, count }: DownloadOptions,
  moved: () => void,
): Promise<Expected> => {
  const place = shownUrl(wanted.url);
  let at = (await sizeIfThere(part)) ?? 0;
  if (wanted.size !== undefined && at > wanted.size) {
    await rm(part);
    count(-at);
    at = 0;
  }
  if (wanted.size !== undefined && at === wanted.size && at > 0) return wanted;
  const headers = at === 0 ? {} : { range: `bytes=${at}-` };
  const answer = await ask({ url: wanted.url, token, headers, patience });
  const { response, body } = answer;
  const begins = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const goesOn = response.status === 206 && Number(begins) === at;
  if (response.status === 416 || (response.status === 206 && !goesOn)) {
    await response.body?.cancel();
    await rm(part, { force: true });
    count(-at);
    throw new Passing('the server sends another part than the one that is missing');
  }
  if (/\bhtml\b/i.test(response.headers.get('content-type') ?? '') && !/\.html?$/i.test(wanted.name)) {
    await response.body?.cancel();
    throw notAHub(place, 'a page of HTML in place of the file');
  }
  const expected = expectedOf(wanted, answer, goesOn ? at : 0);
  if ((expected.size ?? 0) > most) {
    await response.body?.cancel();
    throw tooLarge(wanted.name, place, most);
  }
  const handle = await onDisk(part, () => open(part, goesOn ? 'a' : 'w'));
  try {
    if (!goesOn) {
      count(-at);
      at = 0;
    }
    for await (const piece of body) {
      at += piece.length;
      if (at > Math.min(expected.size ?? most, most))
        throw await spoiled(part, wanted.name, place, expected.size ?? most);
      await onDisk(part, () => writeAll(handle, piece));
      count(piece.length);
      moved();
    }
    await onDisk(part, () => handle.sync());
  } finally {
    await handle.close();
  }
  if (expected.size !== undefined && at < expected.size)
    throw new Passing(`the connection ended after ${at} of ${expected.size} bytes`);
  return expected;
};

/** The hub names size and checksum of a large file before it sends elsewhere. */
const expectedOf = (wanted: WantedFile, { response, hub }: Answer, from: number): Expected => {
  const etag = (hub.get('x-linked-etag') ?? hub.get('etag') ?? '').replace(/^"|"$/g, '');
  // Where a proxy packs what was asked for plain, the length is that of the packed bytes.
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const size = hub.get('x-linked-size') ?? (length === null ? undefined : String(Number(length) + from));
  const known = wanted.sha256 !== undefined || wanted.git !== undefined;
  return {
    size: wanted.size ?? (size === undefined ? undefined : Number(size)),
    sha256: wanted.sha256 ?? (!known && /^[0-9a-f]{64}$/.test(etag) ? etag : undefined),
    git: wanted.git ?? (!known && /^[0-9a-f]{40}$/.test(etag) ? etag : undefined),
  };
};

const writeAll = async (handle: FileHandle, piece: Uint8Array): Promise<void> => {
  for (let at = 0; at < piece.length; ) at += (await handle.write(piece, at)).bytesWritten;
};

const sizeIfThere = async (path: string): Promise<number | undefined> => {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
};

interface Checksums extends Downloaded {
  readonly git: string;
}

const checksums = async (path: string): Promise<Checksums> => {
  const { size } = await stat(path);
  const sha256 = createHash('sha256');
  const git = createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    git.update(chunk);
  }
  return { size, sha256: sha256.digest('hex'), git: git.digest('hex') };
};

const fits = (known: Checksums, wanted: Expected): boolean =>
  (['size', 'sha256', 'git'] as const).every((what) => wanted[what] === undefined || wanted[what] === known[what]);

const difference = (known: Checksums, wanted: Expected): string =>
  (['size', 'sha256', 'git'] as const)
    .flatMap((what) =>
      wanted[what] === undefined || wanted[what] === known[what] ? [] : [`${what} ${known[what]}, not ${wanted[what]}`],
    )
    .join('; ');

const tooLarge = (name: string, place: string, most: number): SluiceError =>
  new SluiceError('SLUICE_MODEL_INVALID', `${name} is larger than ${most} bytes`, {
    place,
    hint: '--max-size allows more.',
  });

const spoiled = async (part: string, name: string, place: string, most: number): Promise<SluiceError> => {
  await rm(part, { force: true });
  return new SluiceError('SLUICE_MODEL_INVALID', `the server sends more of ${name} than the ${most} bytes it has`, {
    place,
    hint: 'It was thrown away. The source or a proxy before it is damaged.',
  });
};

/** Tells what the disk is to blame for from what the network is. */
const onDisk = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw new SluiceError('SLUICE_MODEL_STORE', `the model store cannot be written: ${messageOf(error)}`, {
      place: path,
      hint: 'Make room, or name another folder with SLUICE_MODELS. What was fetched is kept.',
      cause: error,
    });
  }
};
