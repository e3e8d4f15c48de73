import { z } from 'zod';
import { duration } from '../../config/units.ts';

const secret = (what: string) =>
  z.string().min(1).describe(`${what} Better from a file or the environment: \${file:…}, \${NAME}.`);

export const elasticsearchAuth = z.union([
  z.strictObject({ api_key: secret('API key, encoded as Elasticsearch shows it.') }),
  z.strictObject({ basic: z.strictObject({ username: z.string(), password: secret('Password.') }) }),
  z.strictObject({ bearer: secret('Token.') }),
]);

/** How to reach a cluster; shared by the sink, models in Elasticsearch and dead letters. */
export const elasticsearchConnection = {
  nodes: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .describe('URLs of the nodes, tried in turn.'),
  cloud_id: z.string().optional().describe('Elastic Cloud id, in place of nodes.'),
  auth: elasticsearchAuth.optional().describe('One of api_key, basic, bearer.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('Path of a PEM file with the authority to trust.'),
      ca_fingerprint: z
        .string()
        .optional()
        .describe('SHA-256 fingerprint of the authority, as Elasticsearch prints it at its first start.'),
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
