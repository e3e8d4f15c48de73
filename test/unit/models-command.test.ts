import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { filesOf, ModelHub } from '../support/model-hub.ts';
import { runSluice } from '../support/run-sluice.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const TOKEN = 'hf_0123456789secret';
const base = mkdtempSync(join(tmpdir(), 'sluice-models-'));
const hub = await ModelHub.start();
after(() => {
  hub.close();
  rmSync(base, { recursive: true });
});
mkdirSync(join(base, 'nothing'));
process.env.SLUICE_MODELS = join(base, 'store');
process.env.HF_ENDPOINT = hub.endpoint;
process.env.HF_TOKEN = TOKEN;

const sluice = async (...args: string[]) => {
  const ended = await runSluice(base, ...args);
  const said = `${ended.stdout}${ended.stderr}`;
  assert.ok(!said.includes(TOKEN), 'the token is told to nobody');
  const table = args[0] === 'models' && !args.includes('--json');
  for (const line of table ? ended.stdout.split('\n') : []) assert.ok(line.length <= 80, line);
  return { ...ended, said };
};
const json = async (...args: string[]) => {
  const { code, stdout, said } = await sluice(...args, '--json');
  assert.equal(code, 0, said);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const tiny = (architecture: string, labels: readonly string[], averaged: boolean) =>
  filesOf(
    writeTinyModel(join(base, architecture), {
      vocabulary: ['[UNK]', '[PAD]', 'good', 'bad'],
      architecture,
      labels,
      averaged,
      rows: [
        [0, 0],
        [0, 0],
        [0, 9],
        [9, 0],
      ],
    }),
  );

describe('sluice models', () => {
  test('pulls a classifier, shows, checks and tries it, and a pipeline file runs it by its id', async () => {
    const commit = hub.push('Org/Mood', tiny('BertForSequenceClassification', ['BAD', 'GOOD'], true), { token: TOKEN });
    const defaults = JSON.stringify({ text_classification: { num_top_classes: 2 } });
    const pulled = await sluice('models', 'pull', 'Org/Mood@main', '--alias', 'mood', '--inference-config', defaults);
    assert.equal(pulled.code, 0, pulled.said);
    assert.match(pulled.stdout, /^org__mood@\w{12}-q8 is in the store\n {2}text_classification, /);
    assert.match((await sluice('models', 'list')).stdout, /^org__mood +\w{12}-q8 \* +text_classification +.* mood$/m);
    const shown = await json('models', 'show', 'mood');
    assert.equal((shown.source as { revision: string }).revision, commit);
    assert.match((await sluice('models', 'show', 'mood')).stdout, /^task +text_classification$/m);
    assert.match((await sluice('models', 'verify')).stdout, /org__mood@\S+: 4 files, .* as they were/);
    const { result } = (await json('models', 'test', 'mood', '--text', 'good')) as unknown as {
      result: { predicted_value: string; top_classes: unknown[] };
    };
    assert.deepEqual([result.predicted_value, result.top_classes.length], ['GOOD', 2]);

    writeFileSync(join(base, 'in.ndjson'), '{"text":"bad"}\n');
    writeFileSync(
      join(base, 'p.yaml'),
      `source: { dump: { paths: in.ndjson } }
models: { m: { model_id: mood, number_of_allocations: 1 } }
processors: [{ inference: { model_id: m, target_field: mood, field_map: { text: text_field } } }]
sink: { file: { path: out.ndjson, format: ndjson } }
`,
    );
    const ran = await sluice('run', 'p.yaml', '--json');
    assert.equal(ran.code, 0, ran.said);
    const out = readFileSync(join(base, 'out.ndjson'), 'utf8');
    assert.match(out, /"predicted_value":"BAD"/);
    assert.match(out, /"top_classes":\[/, 'the defaults of the store count');
  });

  test('imports, finds damage, renames and removes', async () => {
    tiny('BertForTokenClassification', ['O', 'B-PER'], false);
    const { id, version, folder } = await json('models', 'import', 'BertForTokenClassification', '--id', 'people');
    assert.equal(id, 'people');
    await json('models', 'alias', 'who', 'people');
    writeFileSync(join(folder as string, 'tokenizer.json'), '{}');
    const verified = await sluice('models', 'verify', 'who');
    assert.deepEqual([verified.code, /tokenizer.json has 2 bytes and had \d+/.test(verified.stdout)], [6, true]);
    assert.match(verified.stderr, /SLUICE_MODEL_INVALID/);
    const used = await sluice('models', 'use', `people@${version}`);
    assert.equal(used.code, 0, used.said);
    assert.deepEqual(await json('models', 'remove', 'people'), { removed: [`people@${version}`] });
    assert.deepEqual((await json('models', 'alias')).aliases, { mood: 'org__mood' });
  });

  test('says what is wrong, where and the way out', async () => {
    hub.push('Org/Gated', tiny('BertForMaskedLM', [], false), { gated: true });
    for (const [args, code, said] of [
      [['pull', 'Org/Gated'], 6, /gated[\s\S]*at http[\s\S]*Ask for access[\s\S]*SLUICE_HUB_AUTH/],
      [['pull', 'Org/Nothing'], 6, /no such repository[\s\S]*SLUICE_MODEL_MISSING/],
      [['pull', 'Org/Nothing', '--offline'], 6, /Org\/Nothing@main is not in the store[\s\S]*SLUICE_MODEL_MISSING/],
      [['pull', 'Org/Mood', '--quantized', 'q3'], 2, /Allowed choices/],
      [['import', 'nothing', '--inference-config', '{"x":1}'], 2, /not a JSON object by task/],
      [['import', 'nothing'], 6, /no ONNX graph/],
      [['show', 'mod'], 6, /did you mean \[mood\]/],
      [['remove', 'minilm-l6-enrich-en'], 2, /comes with sluice/],
    ] as const) {
      const ended = await sluice('models', ...args);
      assert.equal(ended.code, code, ended.said);
      assert.match(ended.stderr, said);
    }
    writeFileSync(
      join(base, 'q.yaml'),
      'source: { dump: { paths: a } }\nsink: { stdout: }\nmodels:\n  m: { model_id: mod }\n',
    );
    assert.match((await sluice('validate', 'q.yaml')).said, /q\.yaml:4:\d+.*\[mod\] is not in the store.*mood/);
    writeFileSync(
      join(base, 'r.yaml'),
      'source: { dump: { paths: a } }\nsink: { stdout: }\nmodels:\n  m: { model_id: mood, path: x }\n',
    );
    assert.match((await sluice('validate', 'r.yaml')).said, /either path or model_id/);
  });
});
