import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { place, readDump } from '../../../test/support/read-dump.ts';
import { csvOptions, type DumpFormat } from './options.ts';
import { type DumpRecord, DumpRecords } from './records.ts';

const fixture = (path: string) => new URL(`../../../test/fixtures/${path}`, import.meta.url).pathname;

/** The records of a text that comes in chunks of some size. */
const cut = async (
  text: string | Uint8Array,
  format: DumpFormat,
  size = 1e9,
  maxBytes = 1e9,
): Promise<DumpRecord[]> => {
  const bytes = Buffer.from(text);
  const records = new DumpRecords({
    format,
    csv: csvOptions.parse({}),
    path: 'x',
    folder: '',
    maxBytes,
    from: 0n,
    all: true,
  });
  const got: DumpRecord[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for await (const some of records.push(bytes.subarray(at, at + size))) got.push(...some);
  for await (const some of records.end()) got.push(...some);
  return got;
};

const texts = (records: readonly DumpRecord[]) => records.map(({ value }) => value!.toString());

describe('the format of a dump', () => {
  const cases: Readonly<Record<string, readonly [string, string, readonly string[]]>> = {
    'an array': ['a.txt', ' [{"a":1},\n {"a":2}]\n', ['{"a":1}', '{"a":2}']],
    'an array behind a byte order mark': ['a.json', '\ufeff[{"a":1}]', ['{"a":1}']],
    'an object over several lines, by its name': ['a.json', '{\n  "a": 1\n}\n{\n  "a": 2\n}\n', ['{"a":1}', '{"a":2}']],
    'one document a line, whatever its name': ['a.json', '{"a":1}\n{"a":2}\n', ['{"a":1}', '{"a":2}']],
    'a bulk body': ['a.ndjson', '{"index":{"_id":"x"}}\n{"a":1}\n', ['{"a":1}']],
    'no bulk body: documents with a field of that name': [
      'a.ndjson',
      '{"index":{"name":"x"}}\n',
      ['{"index":{"name":"x"}}'],
    ],
    'hits of elasticdump': ['a.json', '{"_index":"i","_id":"x","_score":1,"_source":{"a":1}}\n', ['{"a":1}']],
    'CSV by its name': ['a.csv', 'a,b\n1,2\n', ['{"a":"1","b":"2"}']],
    'TSV by its name': ['a.TSV', 'a\tb\n1\t2,3\n', ['{"a":"1","b":"2,3"}']],
    'no documents at all': ['a.ndjson', '\n \n', ['the value is not JSON: unexpected end of input']],
  };
  for (const [what, [name, text, wanted]] of Object.entries(cases)) {
    test(`is found out: ${what}`, async () => {
      const { documents, error } = await readDump(place(name, text));
      assert.equal(error, undefined);
      if (what === 'no documents at all') assert.equal(documents.length, 1);
      else assert.deepEqual(documents, wanted);
      if (name === 'a.TSV') return;
      const packed = await readDump(place(`${name}.gz`, gzipSync(text)));
      assert.deepEqual(packed.documents, documents);
    });
  }

  test('is what the option says', async () => {
    const text = '{"index":{"_id":"x"}}\n{"a":1}\n';
    const { documents } = await readDump(place('a.bulk', text), { options: { format: 'ndjson' } });
    assert.deepEqual(documents, ['{"index":{"_id":"x"}}', '{"a":1}']);
  });
});

describe('a JSON array', () => {
  test('gives its elements as they are written, wherever chunks end', async () => {
    const element = fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom(
        '{"n":12345678901234567890.10}',
        '{"a" : [ "]", "\\"}" ] }',
        '1e3',
        'true',
        '"x,]"',
        '{}',
        '[]',
        '[[]]',
      ),
    );
    const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(element, space, space)),
        fc.integer({ min: 1, max: 9 }),
        async (parts, size) => {
          const text = `[${parts.map(([value, before, after]) => before + value + after).join(',')}]`;
          const records = await cut(text, 'json', size);
          assert.deepEqual(
            texts(records),
            parts.map(([value]) => value.trim()),
          );
          const bytes = Buffer.from(text);
          for (const { position, next, value } of records) assert.deepEqual(bytes.subarray(position, next), value);
        },
      ),
      { numRuns: 300 },
    );
  });

  const damaged: Readonly<Record<string, RegExp>> = {
    '[{"a":1},': /cut off: it ends at byte 9, within its array/,
    '[{"a":1},{"a"': /cut off/,
    '[{"a":1} {"a":2}]': /damaged at byte 9: a comma/,
    '[{"a":1},]': /damaged at byte 9: a value is missing/,
    '[,]': /damaged at byte 1/,
    '[{"a":1}]}': /damaged at byte 9/,
    '{"a":{"b":1}': /cut off: it ends at byte 12, within a value/,
  };
  for (const [text, message] of Object.entries(damaged)) {
    test(`that is damaged is told: ${text}`, async () => {
      const { error, documents } = await readDump(place('a.json', text), { options: { format: 'json' } });
      assert.equal(error?.code, 'SLUICE_SOURCE_UNREADABLE');
      assert.match(error.message, message);
      if (text.startsWith('[{"a":1}')) assert.equal(documents[0], '{"a":1}');
    });
  }

  test('keeps what is no object for the dead letter, and cuts what is too long', async () => {
    const { documents } = await readDump(place('a.json', '[1, {"a":1}, "x", nul]'));
    assert.deepEqual(
      documents.map((text) => text.slice(0, 17)),
      ['the value is JSON', '{"a":1}', 'the value is JSON', 'the value is not '],
    );
    const records = await cut(`[{"a":"${'x'.repeat(50)}"},{"b":1}]`, 'json', 7, 20);
    assert.deepEqual([records[0]!.value!.length, texts(records)[1]], [20, '{"b":1}']);
  });
});

describe('CSV', () => {
  test('keeps line breaks, delimiters and quotes in cells, wherever chunks end', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'ß', ',', '"', '\n', '\r', ' ', '') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('\n', '\r\n'),
        async (rows, size, end) => {
          const quoted = (text: string) =>
            text === '' || /[,"\n\r ]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
          const text = ['a,b,c', ...rows.map((row) => row.map(quoted).join(','))].join(end);
          const records = await cut(text, 'csv', size);
          assert.deepEqual(
            records.map(({ value, codec }) => (codec!.decode(value!, {}) as { source: object }).source),
            rows.map(([a, b, c]) => ({ a, b, c })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('sends a row of another length or with a cell behind its quotes to the dead letter, and its neighbours not', async () => {
    const { documents } = await readDump(place('a.csv', 'a,b\n1\n1,2\n1,2,3\n"x"y,2\n"3",4\n\n5,6'));
    assert.deepEqual(documents, [
      'the row has 1 cells for 2 columns',
      '{"a":"1","b":"2"}',
      'the row has 3 cells for 2 columns',
      documents[3],
      '{"a":"3","b":"4"}',
      '{"a":"5","b":"6"}',
    ]);
    assert.match(documents[3]!, /the row cannot be read/);
  });

  test('takes columns, delimiter and quote from the options', async () => {
    const options = { csv: { columns: ['a', 'b.c'], delimiter: ';', quote: "'" } };
    const { documents } = await readDump(place('a.csv', "1;'x;y'\n2;z\n"), { options });
    assert.deepEqual(documents, ['{"a":"1","b.c":"x;y"}', '{"a":"2","b.c":"z"}']);
  });

  for (const [text, message] of Object.entries({
    'a,b\n1,"never closed\n2,3\n': /the quote at byte 6 is never closed/,
    'a,a\n1,2\n': /two columns are called \[a\]/,
    'a,\n1,2\n': /column 2 of the header has no name/,
  }))
    test(`stops where nobody can tell what is meant: ${JSON.stringify(text)}`, async () => {
      const { error } = await readDump(place('a.csv', text));
      assert.equal(error?.code, 'SLUICE_SOURCE_UNREADABLE');
      assert.match(error.message, message);
    });
});

describe('a dump with metadata beside its documents', () => {
  const origins = (records: Awaited<ReturnType<typeof readDump>>['records']) =>
    records.map(({ origin }) => {
      const { path: _path, name: _name, position: _position, ...rest } = origin().fields;
      return rest;
    });

  test('a bulk body keeps ids, and knows deletions', async () => {
    const text =
      '{"index":{"_index":"i","_id":"1","routing":"r"}}\n{"a":1}\n{"delete":{"_id":"2"}}\n{"create":{}}\n{"a":1}\n{"create":{}}\n{"a":1}\n{"update":{"_id":"4"}}\n{"doc":{"a":2}}\n';
    const { records, documents, ids, error } = await readDump(place('a.bulk', text));
    assert.equal(error, undefined);
    assert.deepEqual(documents.slice(0, 4), ['{"a":1}', 'deleted', '{"a":1}', '{"a":1}']);
    assert.match(documents[4]!, /\[update\] action holds a part/);
    assert.deepEqual(origins(records), [
      { _index: 'i', _id: '1', _routing: 'r', _op_type: 'index' },
      { _id: '2', _op_type: 'delete' },
      { _op_type: 'create' },
      { _op_type: 'create' },
      { _id: '4', _op_type: 'update' },
    ]);
    assert.deepEqual([ids[0], ids[1], ids[3], ids[4]], ['1', '2', `${ids[2]}-1`, '4']);
    const bytes = Buffer.from(text);
    assert.equal(
      bytes.subarray(Number(records[1]!.position), Number(records[1]!.next)).toString(),
      '{"delete":{"_id":"2"}}\n',
    );
  });

  test('a bulk body that is cut off or out of step is told', async () => {
    for (const [text, message] of [
      ['{"index":{}}\n{"a":1}\n{"index":{}}\n', /cut off: the action at byte 21 has no document/],
      ['{"index":{}}\n{"a":1}\n{"a":2}\n', /damaged at byte 21: an action line was expected/],
    ] as const) {
      const { error, documents } = await readDump(place('a.bulk', text));
      assert.deepEqual([error?.code, documents], ['SLUICE_SOURCE_UNREADABLE', ['{"a":1}']]);
      assert.match(error!.message, message);
    }
  });

  test('hits keep id, index and version, and their digits', async () => {
    const hit =
      '{"_index":"i","_type":"_doc","_id":"7","_version":3,"_routing":"r","_source":{"n":12345678901234567890.10}}';
    const { records, documents, ids } = await readDump(place('a.json', `${hit}\n{"_id":"8"}\n{"cut`));
    assert.equal(documents[0], '{"n":12345678901234567890.10}');
    assert.equal(Buffer.from(records[0]!.value!).toString(), documents[0], 'a dead letter keeps the document');
    assert.match(documents[1]!, /no hit with _source/);
    assert.match(documents[2]!, /not JSON/);
    assert.deepEqual(origins(records)[0], { _index: 'i', _id: '7', _version: 3, _routing: 'r' });
    assert.equal(ids[0], '7');
  });
});

describe('a Parquet file', () => {
  const CODECS = ['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'];
  const ROW =
    '{"big":9007199254740994,"small":1,"dbl":7.25,"txt":"text 1","dec38":1234567890123456789.06,"dec9":-1.005,"dec18":100000000.0125,"day":"2024-02-29","ts":"2024-01-01T00:00:01.123456Z","tz":"1969-12-31T23:59:59.500000Z","tsn":"2024-01-01T00:00:00.123456789Z","list":[1,2,null],"nolist":[],"obj":{"a":1,"b":{"c":"x1"}},"m":{"k1":1.00,"k2":1.50},"lst":[{"n":1.00}],"yes":false,"opt":"v","bin":"YWI=","id":"00000000-0000-0000-0000-00000000000a","ub":18446744073709551615,"tm":3723000000,"js":{"x":12345678901234567890.10}}';
  for (const codec of CODECS) {
    test(`written by DuckDB, packed by ${codec}, keeps every digit`, async () => {
      const { documents, records, error } = await readDump(fixture(`parquet/types-${codec}.parquet`));
      assert.equal(error, undefined);
      assert.equal(documents.length, 5);
      assert.equal(documents[1], ROW);
      assert.equal(Buffer.from(records[1]!.value!).toString(), ROW);
    });
  }

  test('may lie inside of gzip and zstd, and goes on within its row groups, under the same ids', async () => {
    const path = fixture('parquet/groups.parquet');
    const all = await readDump(path);
    assert.deepEqual(
      all.documents,
      Array.from({ length: 5000 }, (_, n) => JSON.stringify({ n, t: `text ${n % 9}` })),
    );
    for (const pack of [gzipSync, zstdCompressSync]) {
      const packed = place('a.parquet.x', pack(readFileSync(path)));
      const { documents, ids } = await readDump(packed);
      assert.deepEqual([documents.length, documents, ids], [5000, all.documents, all.ids]);
      const rest = await readDump(packed, { from: new Map([[packed, 3000n]]) });
      assert.deepEqual([rest.documents, rest.ids], [all.documents.slice(3000), all.ids.slice(3000)]);
      assert.deepEqual(readdirSync(dirname(packed)), ['a.parquet.x']);
    }
    const rest = await readDump(path, { from: new Map([[path, 4100n]]) });
    assert.deepEqual([rest.documents, rest.records[0]!.position], [all.documents.slice(4100), 4100n]);
  });

  test('that is cut off or damaged is told', async () => {
    const whole = readFileSync(fixture('parquet/groups.parquet'));
    const wrong = Buffer.from(whole);
    wrong.fill(0xff, 4, 40);
    for (const [what, bytes] of Object.entries({ cut: whole.subarray(0, 3000), short: whole.subarray(0, -5), wrong }))
      assert.equal((await readDump(place('a.parquet', bytes))).error?.code, 'SLUICE_SOURCE_UNREADABLE', what);
  });
});

describe('a dump packed by bzip2', () => {
  const wanted = Array.from({ length: 500 }, (_, n) => JSON.stringify({ file: 'b', n }));
  const path = fixture('bzip2/b.ndjson.bz2');

  test('is read to its end, over all its streams', async () => {
    assert.deepEqual((await readDump(path)).documents, wanted);
  });

  test('is told where it is cut off, damaged, or something else follows', async () => {
    const whole = readFileSync(path);
    for (let at = 1; at < whole.length; at += 97) {
      const { error, documents } = await readDump(place('a.bz2', whole.subarray(0, -at)), {
        options: { format: 'ndjson' },
      });
      assert.equal(error?.code, 'SLUICE_SOURCE_UNREADABLE', `${at} bytes are missing`);
      assert.ok(documents.length <= wanted.length);
    }
    const flipped = Buffer.from(whole);
    flipped[whole.length - 300]! ^= 0x10;
    for (const bytes of [flipped, Buffer.concat([whole, Buffer.from('more')])])
      assert.equal((await readDump(place('a.bz2', bytes))).error?.code, 'SLUICE_SOURCE_UNREADABLE');
  });
});

describe('a dump that cannot be read as it is', () => {
  test('has changed while it was read', async () => {
    const path = place('a.ndjson', '{"a":1}\n');
    let done = false;
    const { error, documents } = await readDump(path, {
      whenDelivered: () => {
        if (!done) appendFileSync(path, '{"a":2}\n');
        done = true;
      },
    });
    assert.deepEqual(documents[0], '{"a":1}');
    assert.deepEqual([error?.code, error?.message], ['SLUICE_SOURCE_UNREADABLE', 'the dump changed while it was read']);
  });

  test('is a folder, a glob without a match, or a gzip that is cut off', async () => {
    const path = place('a.gz', gzipSync('{"a":1}\n'.repeat(9999)).subarray(0, -9));
    for (const name of [dirname(path), `${dirname(path)}/*.none`, path])
      assert.equal((await readDump(name)).error?.code, 'SLUICE_SOURCE_UNREADABLE', name);
  });
});
