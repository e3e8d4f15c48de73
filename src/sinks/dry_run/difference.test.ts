import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences } from './difference.ts';
import { countUp, DryRunReport } from './report.ts';

const paths = (before: unknown, after: unknown, partial = false) =>
  differences(before, after, partial).map(({ path }) => path);

test('differences are told by path, whatever the order of keys', () => {
  const before = { a: 1, b: { c: [1, { d: 2 }], e: null }, gone: true };
  assert.deepEqual(paths(before, { gone: true, b: { e: null, c: [1, { d: 2 }] }, a: 1 }), []);
  assert.deepEqual(
    paths(before, { a: '1', b: { c: [1, { d: 3 }], e: null, f: 0 } }),
    ['a', 'b.c', 'gone', 'b.f'].sort((x, y) => order.indexOf(x) - order.indexOf(y)),
  );
  assert.deepEqual(paths({ a: { b: 1 } }, { a: 1 }), ['a']);
  assert.deepEqual(paths({ a: null }, {}), ['a']);
});
const order = ['a', 'b.c', 'b.f', 'gone'];

test('a partial document says nothing about what it does not name', () => {
  assert.deepEqual(paths({ a: 1, b: { c: 1, d: 2 } }, { b: { c: 2 } }, true), ['b.c']);
  assert.deepEqual(paths({ a: 1 }, { a: 1 }, true), []);
});

test('the report names fields with odd names, and cuts long lists', () => {
  const report = new DryRunReport({ compare: 1, show: 0 });
  countUp(report.fields, 'constructor');
  for (let n = 0; n < 60; n += 1) countUp(report.fields, `f${n}`);
  report.compared = 1;
  countUp(report.effects, 'changed');
  assert.match(String(report), /1 constructor.* and 21 more/);
  assert.equal(JSON.parse(JSON.stringify(report)).dry_run.fields.constructor, 1);
});
