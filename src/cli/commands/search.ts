import { DEFAULT_MODEL, embed, formatHit, searchFile } from '../semantic-search.ts';

export interface SearchOptions {
  readonly json?: boolean;
  readonly model?: string;
  readonly size?: number;
}

/** Searches a file that sluice has written, by meaning. */
export const search = async (
  file: string,
  query: string,
  { json, model = DEFAULT_MODEL, size = 3 }: SearchOptions,
): Promise<number> => {
  const [vector] = await embed(model, [query]);
  const hits = await searchFile(file, vector!, size);
  if (json === true)
    console.log(
      JSON.stringify(
        hits.map(({ document, score, passage }) => ({ id: document.id, title: document.title, score, passage })),
      ),
    );
  else hits.forEach((hit, index) => console.log(formatHit(hit, index + 1, process.stdout.columns ?? 80)));
  return 0;
};
