import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadStream, type Override } from './load-stream.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-load-'));
after(() => rmSync(folder, { recursive: true }));
const log = { info() {}, warn() {} };
const variables = {
  env: (name: string) => ({ NODES: 'http://es:9200', EMPTY: '', SECRET: 's3cret' })[name],
  file: (path: string) => {
    if (path !== '/run/secrets/key') throw new Error('no such file');
    return 'from-file';
  },
};
const load = (yaml: string, override?: Override) => {
  const file = join(folder, 'stream.yaml');
  writeFileSync(file, yaml);
  return loadStream(file, log, override, variables);
};
const mistakesOf = (yaml: string) =>
  load(yaml).mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
const SOURCE = 'source: { dump: { paths: a.ndjson } }\n';
const SINK = 'sink: { stdout: }\n';

describe('a pipeline file', () => {
  test('has its variables filled in, but not inside of the pipeline', () => {
    const { stream, mistakes } = load(
      `${SOURCE}sink:\n  elasticsearch:\n    nodes: "\${NODES}"\n    index: "\${EMPTY:-news}"\n    auth: { api_key: "\${file:/run/secrets/key}" }\n    batch:\n      max_documents: \${COUNT:-7}\nprocessors:\n  - gsub: { field: a, pattern: "(?<x>.)", replacement: "\${x}" }\n`,
    );
    assert.deepEqual(mistakes, []);
    const { elasticsearch } = stream!.config.sink;
    assert.deepEqual(
      [elasticsearch!.nodes, elasticsearch!.index, elasticsearch!.auth, elasticsearch!.batch.max_documents],
      ['http://es:9200', 'news', { api_key: 'from-file' }, 7],
    );
  });

  test('tells a variable that is not set, and a file that cannot be read', () => {
    assert.deepEqual(
      mistakesOf(`${SOURCE}sink:\n  elasticsearch:\n    nodes: \${NOWHERE}\n    index: "\${file:/none}"\n`),
      [
        '4:12 the environment variable [NOWHERE] is not set; write ${NOWHERE:-default} to give it a default',
        '5:12 the file [/none] cannot be read: no such file',
      ],
    );
  });

  test('tells all its mistakes at once, each with its place and the nearest valid key', () => {
    const yaml = `name: x\nsource:\n  dump:\n    path: a\nprocessors:\n  - set: { feld: a, value: 1 }\n  - lowercase:\n      field: a\n      if: "ctx.a =="\n  - inference: { model_id: enrch }\nmodels:\n  enrich: { path: models/nothing }\nsink:\n  stdout:\nlimit: {}\n`;
    const mistakes = mistakesOf(yaml);
    for (const wanted of [
      /^4:5 unknown key \[path\] \(did you mean \[paths\]\?\)$/,
      /^6:10 \[field\] required property is missing$/,
      /^6:12 processor \[set\] doesn't support .*\[feld\] \(did you mean \[field\]\?\)$|^6:18 processor/,
      /^9:11 unexpected end of script/,
      /^10:16 no model \[enrch\]/,
      /^12:11 the model \[models\/nothing\] is not there/,
      /^15:1 unknown key \[limit\] \(did you mean \[limits\]\?\)$/,
    ]) {
      assert.ok(
        mistakes.some((mistake) => wanted.test(mistake)),
        `${wanted} is not among\n${mistakes.join('\n')}`,
      );
    }
  });

  const refused: [string, string, RegExp][] = [
    [
      'two sources',
      `source: { dump: { paths: a }, kafka: { brokers: a, topics: a, group_id: g } }\n${SINK}`,
      /source must have exactly one of \[kafka, dump, elasticsearch\], not/,
    ],
    ['no sink', SOURCE, /\[sink\] is missing/],
    ['YAML that is none', 'source: [', /./],
    [
      'a version on create',
      `${SOURCE}sink: { elasticsearch: { index: a, op_type: create, version: "{{{v}}}" } }\n`,
      /an external version does not hold with op_type create/,
    ],
    [
      'an update without id',
      `${SOURCE}sink: { elasticsearch: { index: a, op_type: update } }\n`,
      /op_type update needs an id/,
    ],
    [
      'a kafka dead letter without brokers',
      `${SOURCE}${SINK}dead_letter: { kafka: { topic: d } }\n`,
      /\[brokers\] is missing/,
    ],
    ['a wrong size', `${SOURCE}${SINK}limits: { in_flight_bytes: 64 megs }\n`, /not a size: write it like 64mb/],
    [
      'an unknown processor',
      `${SOURCE}${SINK}processors: [{ renam: {} }]\n`,
      /No processor type exists with name \[renam\] \(did you mean \[rename\]\?\)/,
    ],
    [
      'an untranslatable pattern',
      `${SOURCE}${SINK}processors: [{ gsub: { field: a, pattern: "\\\\G", replacement: x } }]\n`,
      /\\G/,
    ],
    [
      'two tasks in one inference_config',
      `${SOURCE}${SINK}models: { m: { path: models/minilm-l6-enrich-en } }\nprocessors: [{ inference: { model_id: m, inference_config: { ner: {}, text_embedding: {} } } }]\n`,
      /one/,
    ],
    [
      'a task that the model does not do',
      `${SOURCE}${SINK}models: { m: { path: models/minilm-l6-enrich-en } }\nprocessors: [{ inference: { model_id: m, inference_config: { fill_mask: {} } } }]\n`,
      /fill_mask/,
    ],
    [
      'a model in Elasticsearch that has a mistake',
      `${SOURCE}${SINK}models: { m: { elasticsearch: { nodes: "http://localhost:9200", model_id: m, max_batch: many } } }\n`,
      /max_batch/,
    ],
    [
      'a model on nodes that are none',
      `${SOURCE}${SINK}models: { m: { sluice: { nodes: localhost, model_id: m } } }\n`,
      /a node is a URL like/,
    ],
  ];
  for (const [name, yaml, message] of refused) {
    test(`with ${name} is refused`, () => {
      const mistakes = mistakesOf(yaml);
      assert.ok(
        mistakes.some((mistake) => message.test(mistake)),
        mistakes.join('\n') || 'no mistake',
      );
    });
  }

  test('may have its source exchanged before it is checked', () => {
    const { stream } = load(`source: { kafka: { brokers: b, topics: t, group_id: g } }\n${SINK}`, (config) => {
      config.source = { dump: { paths: 'x' } };
    });
    assert.equal(stream!.config.source.dump!.paths, 'x');
  });
});
