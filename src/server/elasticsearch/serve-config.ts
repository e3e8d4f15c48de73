import { z } from 'zod';
import { bytes, duration } from '../../config/units.ts';
import { elasticsearchAuth, node } from '../../connections/elasticsearch/options.ts';
import { deploymentOptions } from '../../inference/deployments/options.ts';
import { apiKeySchema } from './api-keys.ts';

/** The file of `sluice serve`; every part of it is optional. */
export const serveSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Where to listen. Beyond loopback only with api_keys or tls.client_ca.'),
  port: z.number().int().min(0).max(65_535).default(9280),
  state: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of pipelines and deployments; without it they end with the process.'),
  cluster: z
    .strictObject({
      nodes: z.union([node, z.array(node).min(1).max(64)]).describe('URLs of Elasticsearch.'),
      auth: elasticsearchAuth
        .optional()
        .describe("In place of the caller's credentials, which else go on to the cluster."),
      ca: z.string().optional().describe('Path of a PEM file with the authority to trust.'),
      verify: z.boolean().default(true).describe('false accepts any certificate: for tests only.'),
      timeout: duration().default(60_000).describe('Until the cluster begins to answer.'),
      connections: z.number().int().min(1).max(10_000).default(256).describe('To each node, at most.'),
    })
    .optional()
    .describe('What the server does not answer itself goes there unchanged.'),
  tls: z
    .strictObject({
      certificate: z.string().describe('Path of a PEM file.'),
      key: z.string().describe('Path of a PEM file.'),
      client_ca: z
        .string()
        .optional()
        .describe('Who signs the certificates of clients; without one of them nobody enters.'),
    })
    .optional(),
  api_keys: z.array(apiKeySchema).min(1).max(1000).optional(),
  insecure: z.boolean().default(false).describe('Listen beyond loopback for everybody.'),
  deployments: z.array(deploymentOptions).max(256).default([]).describe('Models that are started with the server.'),
  limits: z
    .strictObject({
      max_content_length: bytes()
        .default(100 * 1024 * 1024)
        .describe("Bytes of a request's body."),
      in_flight_bytes: bytes()
        .default(256 * 1024 * 1024)
        .describe('Bytes of documents in pipelines; beyond it callers get 429.'),
      shutdown_timeout: duration().default(30_000).describe('How long a stop waits for what runs.'),
    })
    .prefault({}),
});
export type ServeConfig = z.output<typeof serveSchema>;
