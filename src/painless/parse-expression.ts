import type { BinaryOperator, Expression } from './ast.ts';
import { parsePostfix, parsePrimary } from './parse-primary.ts';
import { parseType, typeLength } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

/** From the loosest to the tightest; all of them lean to the left. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!=', '===', '!=='],
  ['<', '<=', '>', '>='],
  ['<<', '>>', '>>>'],
  ['=~', '==~'],
  ['+', '-'],
  ['*', '/', '%'],
];
/** `instanceof` stands beside the comparisons. */
const INSTANCEOF_LEVEL = 6;

const ASSIGNMENTS: ReadonlyMap<string, BinaryOperator | undefined> = new Map<string, BinaryOperator | undefined>([
  ['=', undefined],
  ['+=', '+'],
  ['-=', '-'],
  ['*=', '*'],
  ['/=', '/'],
  ['%=', '%'],
  ['&=', '&'],
  ['^=', '^'],
  ['|=', '|'],
  ['<<=', '<<'],
  ['>>=', '>>'],
  ['>>>=', '>>>'],
]);

export const parseExpression = (tokens: TokenStream): Expression =>
  tokens.nested(() => {
    const left = parseElvis(tokens);
    const { offset, text, kind } = tokens.peek();
    if (kind !== 'operator') return left;
    if (text === '?') {
      tokens.next();
      const then = parseExpression(tokens);
      tokens.expect(':');
      return { kind: 'conditional', test: left, then, otherwise: parseExpression(tokens), offset };
    }
    if (!ASSIGNMENTS.has(text)) return left;
    if (left.kind !== 'name' && left.kind !== 'field' && left.kind !== 'index') {
      throw tokens.error('this cannot be assigned to', left.offset);
    }
    tokens.next();
    return { kind: 'assign', operator: ASSIGNMENTS.get(text), target: left, value: parseExpression(tokens), offset };
  });

const parseElvis = (tokens: TokenStream): Expression => {
  const left = parseBinary(tokens, 0);
  const { offset } = tokens.peek();
  return tokens.accept('?:') ? { kind: 'elvis', left, right: tokens.nested(() => parseElvis(tokens)), offset } : left;
};

const parseBinary = (tokens: TokenStream, level: number): Expression => {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(tokens);
  let left = parseBinary(tokens, level + 1);
  for (;;) {
    const { offset } = tokens.peek();
    const operator = operators.find((text) => tokens.is(text));
    if (operator !== undefined) {
      tokens.next();
      left = { kind: 'binary', operator, left, right: parseBinary(tokens, level + 1), offset };
    } else if (level === INSTANCEOF_LEVEL && tokens.is('instanceof')) {
      tokens.next();
      left = { kind: 'instanceof', operand: left, type: parseType(tokens), offset };
    } else return left;
  }
};

const parseUnary = (tokens: TokenStream): Expression =>
  tokens.nested(() => {
    const { offset, kind, text } = tokens.peek();
    if (kind === 'operator') {
      if (text === '++' || text === '--') {
        tokens.next();
        const target = parsePostfix(tokens, parsePrimary(tokens));
        return { kind: 'step', target, operator: text === '++' ? '+' : '-', postfix: false, offset };
      }
      if (text === '!' || text === '~' || text === '+' || text === '-') {
        tokens.next();
        return { kind: 'unary', operator: text, operand: parseUnary(tokens), offset };
      }
      if (text === '(' && castAhead(tokens)) {
        tokens.next();
        const type = parseType(tokens);
        tokens.expect(')');
        return { kind: 'cast', type, operand: parseUnary(tokens), offset };
      }
    }
    const chain = parsePostfix(tokens, parsePrimary(tokens));
    const step = tokens.peek();
    if (tokens.accept('++')) return { kind: 'step', target: chain, operator: '+', postfix: true, offset: step.offset };
    if (tokens.accept('--')) return { kind: 'step', target: chain, operator: '-', postfix: true, offset: step.offset };
    return chain;
  });

/**
 * `(int) -1` is a cast, `(x) - 1` a difference: with a class a cast only where something follows that cannot go on
 * behind a value in brackets.
 */
const castAhead = (tokens: TokenStream): boolean => {
  const length = typeLength(tokens, 1);
  if (length === 0 || !tokens.is(')', length + 1)) return false;
  if (tokens.isKind('primitive', 1) || tokens.isKind('def', 1)) return true;
  const { kind, text } = tokens.peek(length + 2);
  if (kind === 'operator') return text === '(' || text === '!' || text === '~' || text === '$';
  if (kind === 'keyword') return text !== 'instanceof' && text !== 'in' && text !== 'else';
  return kind !== 'end';
};
