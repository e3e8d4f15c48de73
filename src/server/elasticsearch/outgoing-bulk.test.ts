import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readBulk } from './bulk-body.ts';
import { OutgoingBulk } from './outgoing-bulk.ts';

type Fate = { readonly to: 'cluster' | 'here' | 'as it came'; readonly text: string; readonly bytes: boolean };
const fates = fc.array(
  fc.record({
    to: fc.constantFrom('cluster' as const, 'here' as const, 'as it came' as const),
    // Beside surrogates and long ones, which need more room than the request had.
    text: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 3000, maxLength: 9000 })),
    bytes: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

test('documents that end in any order go on in the order of the request, and only once', () => {
  fc.assert(
    fc.property(fates, fc.infiniteStream(fc.nat()), (all: readonly Fate[], chance) => {
      const came = all.map((_, at) => `{"index":{"_id":"${at}"}}\n{"n":${at}}\n`);
      const body = Buffer.from(came.join(''));
      const outgoing = new OutgoingBulk(readBulk(body), body.length);
      const order = all.map((_, at) => at).sort(() => (chance.next().value! % 3) - 1);
      for (const at of order) {
        const { to, text, bytes } = all[at]!;
        const line = JSON.stringify({ text });
        if (to === 'cluster') outgoing.write(at, `{"create":{"_id":"é${at}"}}\n`, bytes ? Buffer.from(line) : line);
        if (to === 'here') outgoing.decide(at, { at });
      }
      const expected = all.map(({ to, text }, at) =>
        to === 'here'
          ? ''
          : to === 'as it came'
            ? came[at]!
            : `{"create":{"_id":"é${at}"}}\n${JSON.stringify({ text })}\n`,
      );
      assert.equal(outgoing.body().toString(), expected.join(''));
      assert.equal(outgoing.own, all.filter(({ to }) => to === 'here').length);
      outgoing.decided.forEach((item, at) => assert.deepEqual(item, all[at]!.to === 'here' ? { at } : undefined));
    }),
  );
});
