import { ok, type Route } from './route.ts';

export interface Identity {
  readonly name: string;
  /** Of the process; another one after each start. */
  readonly uuid: string;
  readonly version: string;
}

/** The version of Elasticsearch whose interface this is: what clients decide by. */
const INTERFACE = '9.0.4';

/**
 * What clients, Beats and Logstash ask for before they begin. With a cluster behind the server it is the cluster that
 * answers, since what they learn decides what they send it.
 */
export const infoRoutes = ({ name, uuid, version }: Identity, hasCluster: boolean): Route[] => {
  if (hasCluster) return [];
  const get = (path: string, body: object, query: readonly string[] = []): Route => ({
    method: 'GET',
    path,
    query,
    handle: () => ok(body),
  });
  return [
    get('/', {
      name,
      cluster_name: 'sluice',
      cluster_uuid: uuid,
      version: {
        number: INTERFACE,
        build_flavor: 'default',
        build_type: `sluice ${version}`,
        lucene_version: '10.1.0',
        minimum_wire_compatibility_version: '8.18.0',
        minimum_index_compatibility_version: '8.0.0',
      },
      tagline: 'You Know, for Search',
    }),
    get(
      '/_license',
      {
        license: {
          status: 'active',
          uid: uuid,
          type: 'basic',
          issue_date: '1970-01-01T00:00:00.000Z',
          issue_date_in_millis: 0,
          max_nodes: 1,
          issued_to: 'sluice',
          issuer: 'sluice',
          start_date_in_millis: -1,
        },
      },
      ['local', 'accept_enterprise'],
    ),
    get(
      '/_xpack',
      {
        license: { uid: uuid, type: 'basic', mode: 'basic', status: 'active' },
        features: {
          ilm: { available: false, enabled: false },
          ml: { available: true, enabled: true },
          security: { available: false, enabled: false },
        },
        tagline: 'You know, for X',
      },
      ['categories', 'accept_enterprise'],
    ),
    get('/_cluster/health', { cluster_name: 'sluice', status: 'green', timed_out: false, number_of_nodes: 1 }, [
      'timeout',
      'wait_for_status',
      'level',
    ]),
  ];
};
