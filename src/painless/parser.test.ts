import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Expression } from './ast.ts';
import { PainlessError } from './painless-error.ts';
import { parseScript } from './parser.ts';

/** An expression with all its brackets. */
const show = (node: Expression): string => {
  switch (node.kind) {
    case 'name':
      return node.name;
    case 'number':
      return node.text;
    case 'string':
      return `'${node.value}'`;
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
    case 'regex':
      return `/${node.pattern}/${node.flags}`;
    case 'list':
      return `[${node.items.map(show).join(', ')}]`;
    case 'map':
      return `[${node.entries.map(([key, value]) => `${show(key)}: ${show(value)}`).join(', ') || ':'}]`;
    case 'field':
      return `${show(node.target)}${node.safe ? '?.' : '.'}${node.name}`;
    case 'index':
      return `${show(node.target)}[${show(node.index)}]`;
    case 'call':
      return `${node.target === undefined ? '' : show(node.target) + (node.safe ? '?.' : '.')}${node.name}(${node.args.map(show).join(', ')})`;
    case 'unary':
      return `(${node.operator}${show(node.operand)})`;
    case 'binary':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case 'assign':
      return `(${show(node.target)} ${node.operator ?? ''}= ${show(node.value)})`;
    case 'step':
      return `(${node.postfix ? show(node.target) : ''}${node.operator}${node.operator}${node.postfix ? '' : show(node.target)})`;
    case 'cast':
      return `((${node.type.name}) ${show(node.operand)})`;
    case 'instanceof':
      return `(${show(node.operand)} instanceof ${node.type.name})`;
    case 'conditional':
      return `(${show(node.test)} ? ${show(node.then)} : ${show(node.otherwise)})`;
    case 'elvis':
      return `(${show(node.left)} ?: ${show(node.right)})`;
    case 'new':
      return `new ${node.type.name}${'[]'.repeat(node.type.dimensions)}(${node.args.map(show).join(', ')})`;
    case 'lambda':
      return `(${node.parameters.map(({ name }) => name).join(', ')}) -> ${node.body.kind === 'block' ? '{}' : show(node.body)}`;
    case 'reference':
      return `${node.target}::${node.name}`;
  }
};

const parse = (source: string): string => {
  const [statement] = parseScript(source).statements;
  assert.ok(statement?.kind === 'expression');
  return show(statement.expression);
};

const EXPRESSIONS: readonly (readonly [source: string, shown: string])[] = [
  ['a || b && c', '(a || (b && c))'],
  ['a | b ^ c & d', '(a | (b ^ (c & d)))'],
  ['a == b < c', '(a == (b < c))'],
  ['a + b * c - d', '((a + (b * c)) - d)'],
  ['a << b + c', '(a << (b + c))'],
  ['a + b =~ /x/', '((a + b) =~ /x/)'],
  ['a < b instanceof String', '((a < b) instanceof String)'],
  ['!a == b', '((!a) == b)'],
  ['-a * b', '((-a) * b)'],
  ['a ?: b ?: c', '(a ?: (b ?: c))'],
  ['a ?: b ? c : d', '((a ?: b) ? c : d)'],
  ['a ? b : c ? d : e', '(a ? b : (c ? d : e))'],
  ['a = b += c', '(a = (b += c))'],
  ['(int) x + 1', '(((int) x) + 1)'],
  ['(int) -x', '((int) (-x))'],
  ['(x) - 1', '(x - 1)'],
  ['(String) x', '((String) x)'],
  ['(String) (x)', '((String) x)'],
  ['(a)[0]', 'a[0]'],
  ['(a).b', 'a.b'],
  ['((List) ctx.a).size()', '((List) ctx.a).size()'],
  ['ctx?.a?.b.0.c(1)', 'ctx?.a?.b.0.c(1)'],
  ["ctx['a'][0].b", "ctx['a'][0].b"],
  ['++a + b--', '((++a) + (b--))'],
  ['[1, [2], [:], []]', '[1, [2], [:], []]'],
  ["['a': 1, 'b': [2: 3]]", "['a': 1, 'b': [2: 3]]"],
  ['new HashMap(a)', 'new HashMap(a)'],
  ['new int[3]', 'new int[](3)'],
  ['new String[] {a, b}', 'new String[](a, b)'],
  ['a.any(x -> x > 1)', 'a.any((x) -> (x > 1))'],
  ['a.each((def x, y) -> { x })', 'a.each((x, y) -> {})'],
  ['a.map(String::length)', 'a.map(String::length)'],
  ['a.map(this::f)', 'a.map(this::f)'],
  ['Math.max(1, 2)', 'Math.max(1, 2)'],
  ['java.lang.Math.abs(x)', 'java.lang.Math.abs(x)'],
  ["field('a').get('')", "field('a').get('')"],
  ["$('a', 1)", "$('a', 1)"],
];

test('expressions nest by the precedence of Painless', () => {
  for (const [source, shown] of EXPRESSIONS) assert.equal(parse(source), shown, source);
});

test('statements', () => {
  const script = parseScript(`
    int f(def a) { return a }
    def x = 1, y;
    for (int i = 0; i < 3; ++i) { x += i; continue }
    for (def e : x) break;
    for (e in x) { }
    while (x > 1) --x;
    do { y = x } while (false);
    if (x == 1) return true; else { return false }
    try { throw x } catch (Exception e) { }
  `);
  assert.equal(script.functions[0]?.name, 'f');
  assert.deepEqual(
    script.statements.map(({ kind }) => kind),
    ['declaration', 'loop', 'each', 'each', 'loop', 'loop', 'if', 'try'],
  );
});

const WRONG: readonly (readonly [source: string, line: number, column: number])[] = [
  ['ctx.a ==', 1, 9],
  ['ctx.a == 1)', 1, 11],
  ['if (a) {\n  b', 2, 4],
  ['1 2', 1, 3],
  ['1 = 2', 1, 1],
  ['ctx.\na', 1, 5],
];

test('mistakes are told with their place', () => {
  for (const [source, line, column] of WRONG) {
    assert.throws(
      () => parseScript(source),
      (error: unknown) => error instanceof PainlessError && error.line === line && error.column === column,
      source,
    );
  }
  assert.throws(() => parseScript('('.repeat(5000)), /nested deeper/);
});
