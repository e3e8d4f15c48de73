import { env, pipeline } from '@huggingface/transformers';

// Row (d): the loop a user writes with @huggingface/transformers, both separate models, one text at a time.
const [folder = '', file = ''] = process.argv.slice(2);
const { readTexts } = await import('./texts.ts');
env.allowRemoteModels = false;
env.localModelPath = folder;
const texts = readTexts(file, Number.MAX_SAFE_INTEGER);
const entities = await pipeline('token-classification', 'minilm-l6-ner-en', { dtype: 'q8' });
const vectors = await pipeline('feature-extraction', 'all-MiniLM-L6-v2', { dtype: 'q8' });
await entities(texts[0]!);
await vectors(texts[0]!, { pooling: 'mean', normalize: true });
const started = performance.now();
for (const text of texts) {
  await entities(text);
  await vectors(text, { pooling: 'mean', normalize: true });
}
console.log(JSON.stringify({ documents_per_second: texts.length / ((performance.now() - started) / 1000) }));
