import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreement } from './agreement.ts';

const close = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < 1e-9, `${value}, not ${wanted}`);

test('vectors agree by their cosine, whatever their length is, and not at all where they have other dimensions', () => {
  const [cosine] = agreement(
    'text_embedding',
    [{ predicted_value: [3, 4] }, { predicted_value: [1, 0] }, { predicted_value: [1] }, undefined],
    [{ predicted_value: [30, 40] }, { predicted_value: [0, 1] }, { predicted_value: [1, 0] }, { predicted_value: [1] }],
  );
  assert.equal(cosine!.name, 'cosine');
  close(cosine!.value, 0.5);
  close(cosine!.worst, 0);
  assert.deepEqual(agreement('text_embedding', [undefined], [{ predicted_value: [1] }]), []);
});

test('entities agree where class and place are the same', () => {
  const entity = (class_name: string, start_pos: number) => ({ class_name, start_pos, end_pos: start_pos + 3 });
  const [f1] = agreement(
    'ner',
    [{ entities: [entity('PER', 0), entity('LOC', 9)] }, { entities: [] }],
    [{ entities: [entity('PER', 0), entity('ORG', 9)] }, { entities: [] }],
  );
  close(f1!.value, 0.75);
  close(f1!.worst, 0.5);
});

test('classes, answers and sparse vectors', () => {
  const [klass, difference] = agreement(
    'text_classification',
    [
      { predicted_value: 'good', prediction_probability: 0.9 },
      { predicted_value: 'bad', prediction_probability: 0.6 },
    ],
    [
      { predicted_value: 'good', prediction_probability: 0.7 },
      { predicted_value: 'good', prediction_probability: 0.5 },
    ],
  );
  close(klass!.value, 0.5);
  close(difference!.value, 0.15);
  close(difference!.worst, 0.2);
  const [exact, words] = agreement(
    'question_answering',
    [{ predicted_value: 'the old town' }],
    [{ predicted_value: 'Old town' }],
  );
  close(exact!.value, 0);
  close(words!.value, 0.8);
  const [sparse, heavy] = agreement(
    'text_expansion',
    [{ predicted_value: { a: 3, b: 4 } }],
    [{ predicted_value: { a: 3, c: 4 } }],
  );
  close(sparse!.value, 9 / 25);
  close(heavy!.value, 1 / 3);
  assert.equal(agreement('pass_through', [{ predicted_value: [[1]] }], [{ predicted_value: [[1]] }])[0]!.value, 1);
});
