import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../core/histogram.ts';
import { exposition } from './exposition.ts';

test('counters and gauges have their help, their type and one line for each set of labels', () => {
  assert.equal(
    exposition([
      {
        name: 'a_total',
        help: 'First line\nand \\ more.',
        type: 'counter',
        samples: [
          { labels: {}, value: 1 },
          { labels: { stream: 'a "b" \\ c\nd', n: '1' }, value: 0.25 },
          { labels: { stream: 'x' }, value: Number.POSITIVE_INFINITY },
        ],
      },
    ]),
    '# HELP a_total First line\\nand \\\\ more.\n# TYPE a_total counter\na_total 1\na_total{stream="a \\"b\\" \\\\ c\\nd",n="1"} 0.25\na_total{stream="x"} +Inf\n',
  );
});

test('histograms add up from bucket to bucket', () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0.5, 1, 5, 50]) histogram.observe(value);
  assert.equal(
    exposition([{ name: 'h', help: 'x', type: 'histogram', samples: [{ labels: { s: 'y' }, value: histogram }] }]),
    '# HELP h x\n# TYPE h histogram\nh_bucket{s="y",le="1"} 2\nh_bucket{s="y",le="10"} 3\nh_bucket{s="y",le="+Inf"} 4\nh_sum{s="y"} 56.5\nh_count{s="y"} 4\n',
  );
});
