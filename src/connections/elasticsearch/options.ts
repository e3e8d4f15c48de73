import { z } from 'zod';
import { duration } from '../../config/units.ts';

const secret = (what: string) =>
  z.string().min(1).describe(`${what} Better from a file or the environment: \${file:…}, \${NAME}.`);

export const elasticsearchAuth = z.union([
  z.strictObject({ api_key: secret('API key, encoded as Elasticsearch shows it.') }),
  z.strictObject({ basic: z.strictObject({ username: z.string(), password: secret('Password.') }) }),
  z.strictObject({ bearer: secret('Token.') }),
]);

/** URL of a node. */
export const node = z
  .string()
  .refine(
    (text) => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? ''),
    'a node is a URL like https://localhost:9200',
  );

/** As the client reads it: a label, and base64 of `host$elasticsearch$kibana`, of which the last may be missing. */
const isCloudId = (text: string): boolean => {
  const [label, encoded, ...rest] = text.split(':');
  if (!label || encoded === undefined || rest.length > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return false;
  const [host, elasticsearch] = Buffer.from(encoded, 'base64').toString().split('$');
  return !!elasticsearch && URL.canParse(`https://${elasticsearch}.${host}`) && !!host;
};

/** How to reach a cluster; shared by the sink, models in Elasticsearch and dead letters. */
export const elasticsearchConnection = {
  nodes: z
    .union([node, z.array(node).min(1)])
    .optional()
    .describe('URLs of the nodes, tried in turn.'),
  cloud_id: z
    .string()
    .refine(isCloudId, 'a cloud_id is `name:base64`, as the deployment page of Elastic Cloud shows it')
    .optional()
    .describe('Elastic Cloud id, in place of nodes.'),
  auth: elasticsearchAuth.optional().describe('One of api_key, basic, bearer.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('Path of a PEM file with the authority to trust.'),
      ca_fingerprint: z
        .string()
        .refine(
          (text) => /^[0-9a-f]{2}(:?[0-9a-f]{2}){31}$/i.test(text),
          'a fingerprint is 32 bytes in hexadecimal, with or without colons between them',
        )
        .optional()
        .describe(
          'SHA-256 fingerprint of the authority, as Elasticsearch prints it at its first start. Alone it trusts what that authority has signed, whatever the host name; with ca the name counts too.',
        ),
      certificate: z.string().optional().describe('Path of the client certificate.'),
      key: z.string().optional().describe("Path of the client certificate's key."),
      passphrase: z.string().optional(),
      verify: z.boolean().default(true).describe('false accepts any certificate: for tests only.'),
    })
    .optional(),
  compression: z.boolean().default(false).describe('gzip requests: pays on slow networks, costs CPU.'),
  request_timeout: duration().default(60_000).describe('How long a request may take.'),
  connect_timeout: duration().default(30_000).describe('How long the start waits for the cluster.'),
};
export const elasticsearchConnectionSchema = z.strictObject(elasticsearchConnection);
export type ElasticsearchConnectionOptions = z.output<typeof elasticsearchConnectionSchema>;

/** Rules between the options: they stand in several schemas, none of which can hold them for the others. */
export const connectionMistakes = ({ nodes, cloud_id, tls }: ElasticsearchConnectionOptions): ConnectionMistake[] => {
  const mistakes: ConnectionMistake[] = [];
  if (cloud_id !== undefined && nodes !== undefined)
    mistakes.push({ path: ['cloud_id'], message: 'either nodes or cloud_id: the id says where the nodes are' });
  const urls = [nodes ?? 'http://localhost:9200'].flat();
  if (tls?.ca_fingerprint !== undefined && cloud_id === undefined && !urls.every((url) => /^https:/i.test(url)))
    mistakes.push({
      path: ['tls', 'ca_fingerprint'],
      message: 'ca_fingerprint needs https:// in every node: without TLS there is no certificate to compare',
    });
  return mistakes;
};

export interface ConnectionMistake {
  readonly path: readonly string[];
  readonly message: string;
}
