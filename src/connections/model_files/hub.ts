import { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { ask, patiently, textOf } from './ask.ts';
import type { WantedFile } from './download.ts';
import { checkFileName } from './file-name.ts';
import { notAHub, shownUrl } from './refusals.ts';
import { type HubSettings, PATIENCE, type Patience } from './settings.ts';

const MOST_JSON = 16 * 1024 ** 2;
const MOST_FILES = 20_000;

const sibling = z.looseObject({
  rfilename: z.string(),
  size: z.number().int().min(0).nullish(),
  blobId: z.string().nullish(),
  lfs: z.looseObject({ sha256: z.string().nullish(), size: z.number().int().min(0).nullish() }).nullish(),
});
const modelInfo = z.looseObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(sibling).max(MOST_FILES),
  pipeline_tag: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  cardData: z.looseObject({ license: z.unknown() }).nullish(),
});

/** A revision of a repository, as the hub lists it. */
export interface HubModel {
  readonly repository: string;
  /** The commit, whatever name it was asked by. */
  readonly revision: string;
  readonly license: string | undefined;
  readonly pipeline_tag: string | undefined;
  readonly files: readonly WantedFile[];
}

const REPOSITORY = /^[A-Za-z0-9][\w.-]{0,95}(?:\/[A-Za-z0-9][\w.-]{0,95})?$/;

/** The Hugging Face hub, or a mirror that speaks its API. */
export class Hub {
  readonly settings: HubSettings;
  readonly patience: Patience;

  constructor(settings: HubSettings, patience: Patience = PATIENCE) {
    this.settings = settings;
    this.patience = patience;
  }

  /** Asks for the files of a revision. @throws SluiceError */
  async model(repository: string, revision: string): Promise<HubModel> {
    checkRepository(repository, revision);
    const url = new URL(
      `${this.settings.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`,
    );
    const place = shownUrl(url);
    const text = await patiently(place, this.patience, async () => {
      const answer = await ask({ url, token: this.settings.token, patience: this.patience });
      const type = answer.response.headers.get('content-type') ?? '';
      if (!/\bjson\b/i.test(type)) {
        await answer.response.body?.cancel();
        throw notAHub(place, `${/html/i.test(type) ? 'a page of HTML' : type || 'no content type'} in place of JSON`);
      }
      return textOf(answer, place, MOST_JSON);
    });
    const info = parse(text, place);
    const license = info.cardData?.license ?? info.tags?.find((tag) => tag.startsWith('license:'))?.slice(8);
    return {
      repository,
      revision: info.sha,
      license: typeof license === 'string' ? license.slice(0, 100) : undefined,
      pipeline_tag: info.pipeline_tag ?? undefined,
      files: info.siblings.map(({ rfilename, size, blobId, lfs }) => ({
        name: checkFileName(rfilename, place),
        url: this.urlOf(repository, info.sha, rfilename),
        size: lfs?.size ?? size ?? undefined,
        sha256: hex(lfs?.sha256, 64),
        git: lfs ? undefined : hex(blobId, 40),
      })),
    };
  }

  urlOf(repository: string, commit: string, file: string): URL {
    const path = file.split('/').map(encodeURIComponent).join('/');
    return new URL(`${this.settings.endpoint}/${repository}/resolve/${commit}/${path}`);
  }
}

const hex = (text: string | null | undefined, length: number): string | undefined =>
  text?.length === length && /^[0-9a-f]+$/.test(text) ? text : undefined;

const parse = (text: string, place: string): z.output<typeof modelInfo> => {
  try {
    const parsed = modelInfo.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error).slice(0, 500));
  } catch (error) {
    throw notAHub(place, `something else than a model's description: ${messageOf(error)}`);
  }
};

/** @throws SluiceError SLUICE_USAGE */
export const checkRepository = (repository: string, revision: string): void => {
  const fits = REPOSITORY.test(repository) && !repository.includes('..');
  if (
    fits &&
    revision.length > 0 &&
    revision.length <= 200 &&
    !/[\0-\x20\x7f]/.test(revision) &&
    !/^\.+$/.test(revision)
  )
    return;
  throw new SluiceError('SLUICE_USAGE', `[${repository}@${revision}] names no revision of a repository`, {
    hint: 'Write OWNER/NAME or OWNER/NAME@REVISION, e.g. sentence-transformers/all-MiniLM-L6-v2@main.',
  });
};
