import type { Block, Expression, Parameter } from './ast.ts';
import { parseExpression } from './parse-expression.ts';
import { parseBlock } from './parse-statement.ts';
import { declarationAhead, parseType, typeLength } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

export const parsePrimary = (tokens: TokenStream): Expression => {
  const token = tokens.peek();
  const { offset, kind, text } = token;
  switch (kind) {
    case 'integer':
    case 'decimal':
    case 'octal':
    case 'hex':
      tokens.next();
      return { kind: 'number', written: kind, text, offset };
    case 'string':
      tokens.next();
      return { kind: 'string', value: text, offset };
    case 'regex':
      tokens.next();
      return { kind: 'regex', pattern: text, flags: token.flags ?? '', offset };
    case 'identifier':
    case 'primitive':
    case 'def':
      tokens.next();
      return tokens.is('(') ? call(tokens, text, offset) : { kind: 'name', name: text, offset };
    case 'keyword':
      return keyword(tokens);
    case 'operator':
      if (text === '(') {
        tokens.next();
        const inner = parseExpression(tokens);
        tokens.expect(')');
        return inner;
      }
      if (text === '[') return initializer(tokens);
      if (text === '$') {
        tokens.next();
        return call(tokens, '$', offset);
      }
      break;
    default:
  }
  return tokens.unexpected('an expression');
};

const keyword = (tokens: TokenStream): Expression => {
  const { offset, text } = tokens.peek();
  if (text === 'true' || text === 'false') {
    tokens.next();
    return { kind: 'boolean', value: text === 'true', offset };
  }
  if (text === 'null') {
    tokens.next();
    return { kind: 'null', offset };
  }
  if (text === 'new') return creation(tokens);
  return tokens.unexpected('an expression');
};

const call = (tokens: TokenStream, name: string, offset: number): Expression => ({
  kind: 'call',
  target: undefined,
  name,
  safe: false,
  args: parseArguments(tokens),
  offset,
});

/** Dots and brackets behind a value. */
export const parsePostfix = (tokens: TokenStream, start: Expression): Expression => {
  let target = start;
  for (;;) {
    if (tokens.is('.') || tokens.is('?.')) {
      const safe = tokens.next().text === '?.';
      const { text: name, offset, kind } = tokens.next();
      target =
        kind === 'dotid' && tokens.is('(')
          ? { kind: 'call', target, name, safe, args: parseArguments(tokens), offset }
          : { kind: 'field', target, name, safe, offset };
    } else if (tokens.is('[')) {
      const { offset } = tokens.next();
      const index = parseExpression(tokens);
      tokens.expect(']');
      target = { kind: 'index', target, index, offset };
    } else return target;
  }
};

const parseArguments = (tokens: TokenStream): Expression[] => {
  tokens.expect('(');
  const args: Expression[] = [];
  if (tokens.accept(')')) return args;
  do args.push(argument(tokens));
  while (tokens.accept(','));
  tokens.expect(')');
  return args;
};

const argument = (tokens: TokenStream): Expression => {
  const { offset } = tokens.peek();
  const length = typeLength(tokens, 0);
  if (length > 0 && tokens.is('::', length)) {
    const type = parseType(tokens);
    return reference(tokens, type.name + '[]'.repeat(type.dimensions), offset);
  }
  if (tokens.is('this') && tokens.is('::', 1)) {
    tokens.next();
    return reference(tokens, 'this', offset);
  }
  return lambdaAhead(tokens) ? lambda(tokens) : parseExpression(tokens);
};

const reference = (tokens: TokenStream, target: string, offset: number): Expression => {
  tokens.expect('::');
  const name = tokens.accept('new') ? 'new' : tokens.expectKind('identifier', 'a method').text;
  return { kind: 'reference', target, name, offset };
};

const lambdaAhead = (tokens: TokenStream): boolean => {
  if (tokens.isKind('identifier') && tokens.is('->', 1)) return true;
  if (declarationAhead(tokens) && tokens.is('->', typeLength(tokens, 0) + 1)) return true;
  if (!tokens.is('(')) return false;
  let ahead = 1;
  while (!tokens.is(')', ahead)) {
    const length = declarationAhead(tokens, ahead) ? typeLength(tokens, ahead) : 0;
    if (!tokens.isKind('identifier', ahead + length)) return false;
    ahead += length + 1;
    if (tokens.is(',', ahead)) ahead += 1;
    else if (!tokens.is(')', ahead)) return false;
  }
  return tokens.is('->', ahead + 1);
};

const lambda = (tokens: TokenStream): Expression => {
  const { offset } = tokens.peek();
  const parameters: Parameter[] = [];
  if (tokens.accept('(')) {
    while (!tokens.accept(')')) {
      parameters.push(parameter(tokens));
      tokens.accept(',');
    }
  } else parameters.push(parameter(tokens));
  tokens.expect('->');
  const body: Expression | Block = tokens.is('{') ? parseBlock(tokens) : parseExpression(tokens);
  return { kind: 'lambda', parameters, body, offset };
};

const parameter = (tokens: TokenStream): Parameter => ({
  type: declarationAhead(tokens) ? parseType(tokens) : undefined,
  name: tokens.expectKind('identifier', 'a name').text,
});

/** `[1, 2]`, `['a': 1]`, `[:]` and `[]`. */
const initializer = (tokens: TokenStream): Expression => {
  const { offset } = tokens.expect('[');
  if (tokens.accept(']')) return { kind: 'list', items: [], offset };
  if (tokens.accept(':')) {
    tokens.expect(']');
    return { kind: 'map', entries: [], offset };
  }
  const first = parseExpression(tokens);
  if (!tokens.is(':')) {
    const items = [first];
    while (tokens.accept(',')) items.push(parseExpression(tokens));
    tokens.expect(']');
    return { kind: 'list', items, offset };
  }
  const entries: [Expression, Expression][] = [];
  let key = first;
  for (;;) {
    tokens.expect(':');
    entries.push([key, parseExpression(tokens)]);
    if (!tokens.accept(',')) break;
    key = parseExpression(tokens);
  }
  tokens.expect(']');
  return { kind: 'map', entries, offset };
};

const creation = (tokens: TokenStream): Expression => {
  const { offset } = tokens.expect('new');
  const type = parseType(tokens);
  if (tokens.is('(')) return { kind: 'new', type, args: parseArguments(tokens), offset };
  const args: Expression[] = [];
  let { dimensions } = type;
  if (dimensions > 0 && tokens.accept('{')) {
    while (!tokens.accept('}')) {
      args.push(parseExpression(tokens));
      if (!tokens.is('}')) tokens.expect(',');
    }
  } else {
    while (tokens.accept('[')) {
      args.push(parseExpression(tokens));
      tokens.expect(']');
      dimensions += 1;
    }
    if (args.length === 0) tokens.unexpected('arguments or dimensions');
  }
  return { kind: 'new', type: { ...type, dimensions }, args, offset };
};
