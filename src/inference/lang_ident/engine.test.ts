import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { IngestDocument } from '../../core/document.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { LangIdentEngine } from './engine.ts';

const engine = new LangIdentEngine({ info: () => {}, warn: (message) => assert.fail(message) });
before(() => engine.start());
after(() => engine.close());

const infer = (text: string, config?: InferenceConfig) =>
  new Promise<PlainObject>((resolve, reject) =>
    engine
      .bind(config)
      .infer(new IngestDocument({ source: {} }), text, (error, result) =>
        error === undefined ? resolve(result!) : reject(error),
      ),
  );

/** Elasticsearch's codes: those of CLD3, `iw` for Hebrew. */
const SENTENCES: Readonly<Record<string, string>> = {
  en: 'The library opens at nine in the morning.',
  de: 'Die Bibliothek öffnet um neun Uhr morgens.',
  fr: 'La bibliothèque ouvre à neuf heures du matin.',
  es: 'La biblioteca abre a las nueve de la mañana.',
  it: 'La biblioteca apre alle nove del mattino.',
  nl: 'De bibliotheek gaat om negen uur open.',
  sv: 'Biblioteket öppnar klockan nio på morgonen.',
  fi: 'Kirjasto avataan yhdeksältä aamulla.',
  pl: 'Biblioteka otwiera się o dziewiątej rano.',
  cs: 'Knihovna se otevírá v devět hodin ráno.',
  hu: 'A könyvtár reggel kilenckor nyit.',
  ro: 'Biblioteca se deschide la ora nouă dimineața.',
  tr: 'Kütüphane sabah dokuzda açılıyor.',
  el: 'Η βιβλιοθήκη ανοίγει στις εννέα το πρωί.',
  ru: 'Библиотека открывается в девять утра.',
  uk: 'Бібліотека відкривається о дев’ятій ранку.',
  iw: 'הספרייה נפתחת בתשע בבוקר.',
  ar: 'تفتح المكتبة في الساعة التاسعة صباحا.',
  fa: 'کتابخانه ساعت نه صبح باز می‌شود.',
  hi: 'पुस्तकालय सुबह नौ बजे खुलता है।',
  bn: 'গ্রন্থাগার সকাল নয়টায় খোলে।',
  th: 'ห้องสมุดเปิดเวลาเก้าโมงเช้า',
  vi: 'Thư viện mở cửa lúc chín giờ sáng.',
  ja: '図書館は朝九時に開きます。',
  ko: '도서관은 아침 아홉 시에 문을 엽니다.',
  zh: '图书馆早上九点开门。',
  et: 'Raamatukogu avatakse kell üheksa hommikul.',
  lt: 'Biblioteka atidaroma devintą valandą ryto.',
  ca: 'La biblioteca obre a les nou del matí.',
  sw: 'Maktaba inafunguliwa saa tatu asubuhi.',
};

test('names the language of a sentence in thirty languages', async () => {
  for (const [language, sentence] of Object.entries(SENTENCES)) {
    const { predicted_value, prediction_probability } = await infer(sentence);
    assert.equal(predicted_value, language);
    assert.ok((prediction_probability as number) > 0.3, `${language} ${prediction_probability}`);
  }
});

test('has the fields of Elasticsearch', async () => {
  const fields = await infer(SENTENCES.de!, { classification: { num_top_classes: 3, results_field: 'lang' } });
  assert.deepEqual(Object.keys(fields), ['lang', 'top_classes', 'prediction_probability', 'prediction_score']);
  assert.equal((fields.top_classes as { class_name: string }[])[0]!.class_name, 'de');
  assert.deepEqual(await infer(''), { predicted_value: 'zxx', prediction_probability: 0, prediction_score: 0 });
  assert.throws(() => engine.bind({ ner: {} }), /does \[classification\], not \[ner\]/);
  assert.throws(() => engine.bind({ classification: { num_top_classes: 'x' } }), /inference_config\.classification/);
});

test('takes any text', async () => {
  for (const text of ['\ud800', '\u0000\u0000', '😀'.repeat(5000), 'x'.repeat(1_000_000)])
    assert.equal(typeof (await infer(text)).predicted_value, 'string');
});
