import { type ElasticsearchConnection, ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import type { JsonObject } from '../../core/json/values.ts';

/** One shard of a concrete index: within it, sequence numbers are unique and rise with every change. */
export interface Shard {
  /** As a partition. */
  readonly name: string;
  readonly index: string;
  readonly number: number;
  /** What an alias lets through. */
  readonly filter: JsonObject | undefined;
}

interface Settings {
  readonly settings: { readonly index: { readonly number_of_shards: string; readonly uuid: string } };
}

/** The shards behind a name. An index that was created anew has shards of another name. */
export const shardsOf = async (connection: ElasticsearchConnection, name: string): Promise<Shard[]> => {
  const path = `/${name.split(',').map(encodeURIComponent).join(',')}`;
  const query = { filter_path: '*.settings.index.number_of_shards,*.settings.index.uuid' };
  const { body } = await connection.request({ method: 'GET', path: `${path}/_settings`, query });
  const filters = await filtersOf(connection, path);
  return Object.entries(body as Record<string, Settings>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([index, { settings }]) =>
      Array.from({ length: Number(settings.index.number_of_shards) }, (_, number) => ({
        name: `${index}/${settings.index.uuid}[${number}]`,
        index,
        number,
        filter: filters.get(index),
      })),
    );
};

type Aliases = Record<string, { readonly aliases?: Record<string, { readonly filter?: JsonObject }> }>;

/** Shards are asked by their index, which knows nothing of the alias that was named. */
const filtersOf = async (connection: ElasticsearchConnection, path: string): Promise<Map<string, JsonObject>> => {
  const filters = new Map<string, JsonObject>();
  try {
    const { body } = await connection.request({ method: 'GET', path: `/_alias${path}` });
    for (const [index, { aliases = {} }] of Object.entries(body as Aliases)) {
      const own = Object.values(aliases).map(({ filter }) => filter);
      // Of several aliases, one without a filter lets everything through.
      if (own.length > 0 && own.every((filter) => filter !== undefined))
        filters.set(index, { bool: { should: own as JsonObject[], minimum_should_match: 1 } });
    }
  } catch (error) {
    if (!(error instanceof ElasticsearchError) || error.status !== 404) throw error;
  }
  return filters;
};
