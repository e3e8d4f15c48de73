import { z } from 'zod';
import { duration } from '../../config/units.ts';

const secret = (what: string) =>
  z.string().min(1).describe(`${what} Better from a file or the environment: \${file:…}, \${NAME}.`);

/** One string may list several with commas, as Confluent's clients take them. */
export const registryUrls = (url: string | readonly string[]): string[] =>
  [url].flat().flatMap((entry) =>
    entry
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** How to reach a schema registry that speaks Confluent's REST API (Karapace, Redpanda, Apicurio's ccompat do too). */
export const schemaRegistryConnection = {
  url: z
    .union([z.string(), z.array(z.string()).min(1)])
    .refine((url) => registryUrls(url).length > 0 && registryUrls(url).every(isHttpUrl), {
      error: 'not a URL: write it like http://localhost:8081',
    })
    .describe('URL of the registry; several, as a list or with commas, are tried in turn.'),
  auth: z
    .union([
      z.strictObject({ basic: z.strictObject({ username: z.string(), password: secret('Password or API secret.') }) }),
      z.strictObject({ bearer: secret('Token.') }),
    ])
    .optional()
    .describe('One of basic, bearer.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('Path of a PEM file with the authority to trust.'),
      certificate: z.string().optional().describe('Path of the client certificate.'),
      key: z.string().optional().describe("Path of the client certificate's key."),
      passphrase: z.string().optional().describe('Opens the key.'),
      verify: z.boolean().default(true).describe('false accepts any certificate: for tests only.'),
    })
    .optional()
    .describe('For https URLs.'),
  request_timeout: duration().default(10_000).describe('How long a request may take.'),
};
export const schemaRegistrySchema = z.strictObject(schemaRegistryConnection);
export type SchemaRegistryOptions = z.output<typeof schemaRegistrySchema>;
