import type { Block, Declaration, Expression, Statement, Trap } from './ast.ts';
import { parseExpression } from './parse-expression.ts';
import { declarationAhead, parseType } from './parse-type.ts';
import type { TokenStream } from './token-stream.ts';

export const parseStatement = (tokens: TokenStream): Statement =>
  tokens.nested(() => {
    const { offset, text, kind } = tokens.peek();
    if (kind === 'keyword') {
      const rule = COMPOUND.get(text);
      if (rule !== undefined) {
        tokens.next();
        return rule(tokens, offset);
      }
    }
    const statement = simple(tokens);
    endStatement(tokens);
    return statement;
  });

/** A semicolon; none is needed before `}` and at the end. */
const endStatement = (tokens: TokenStream): void => {
  if (tokens.accept(';') || tokens.is('}') || tokens.isKind('end')) return;
  tokens.unexpected('[;]');
};

export const parseBlock = (tokens: TokenStream): Block => {
  const { offset } = tokens.expect('{');
  const statements: Statement[] = [];
  while (!tokens.accept('}')) {
    if (tokens.isKind('end')) tokens.unexpected('[}]');
    statements.push(parseStatement(tokens));
  }
  return { kind: 'block', statements, offset };
};

/** The body of an `if` or loop. */
const trailer = (tokens: TokenStream): Statement => (tokens.is('{') ? parseBlock(tokens) : parseStatement(tokens));
const loopBody = (tokens: TokenStream): Statement | undefined => (tokens.accept(';') ? undefined : trailer(tokens));

const condition = (tokens: TokenStream): Expression => {
  tokens.expect('(');
  const test = parseExpression(tokens);
  tokens.expect(')');
  return test;
};

const COMPOUND: ReadonlyMap<string, (tokens: TokenStream, offset: number) => Statement> = new Map([
  [
    'if',
    (tokens, offset) => {
      const test = condition(tokens);
      const then = trailer(tokens);
      const otherwise = tokens.accept('else') ? trailer(tokens) : undefined;
      return { kind: 'if', test, then, otherwise, offset };
    },
  ],
  [
    'while',
    (tokens, offset) => {
      const test = condition(tokens);
      const none = { initializer: undefined, update: undefined, testLast: false };
      return { kind: 'loop', ...none, test, body: loopBody(tokens), offset };
    },
  ],
  ['for', (tokens, offset) => forLoop(tokens, offset)],
  [
    'try',
    (tokens, offset) => {
      const body = parseBlock(tokens);
      const traps: Trap[] = [];
      while (tokens.is('catch')) traps.push(trap(tokens));
      if (traps.length === 0) tokens.unexpected('[catch]');
      return { kind: 'try', body, traps, offset };
    },
  ],
]);

const trap = (tokens: TokenStream): Trap => {
  const { offset } = tokens.expect('catch');
  tokens.expect('(');
  const type = parseType(tokens);
  const { text: name } = tokens.expectKind('identifier', 'a name');
  tokens.expect(')');
  return { type, name, body: parseBlock(tokens), offset };
};

const forLoop = (tokens: TokenStream, offset: number): Statement => {
  tokens.expect('(');
  if (tokens.isKind('identifier') && tokens.is('in', 1)) {
    const name = tokens.next().text;
    tokens.next();
    return each(tokens, undefined, name, offset);
  }
  let initializer: Statement | undefined;
  if (declarationAhead(tokens)) {
    const type = parseType(tokens);
    if (tokens.is(':', 1)) {
      const name = tokens.next().text;
      tokens.next();
      return each(tokens, type, name, offset);
    }
    initializer = variables(tokens, type);
  } else if (!tokens.is(';')) initializer = expressionStatement(tokens);
  tokens.expect(';');
  const test = tokens.is(';') ? undefined : parseExpression(tokens);
  tokens.expect(';');
  const update = tokens.is(')') ? undefined : parseExpression(tokens);
  tokens.expect(')');
  return { kind: 'loop', initializer, test, update, body: loopBody(tokens), testLast: false, offset };
};

const each = (tokens: TokenStream, type: Declaration['type'] | undefined, name: string, offset: number): Statement => {
  const items = parseExpression(tokens);
  tokens.expect(')');
  return { kind: 'each', type, name, items, body: trailer(tokens), offset };
};

/** Statements that a semicolon ends. */
const simple = (tokens: TokenStream): Statement => {
  const { offset } = tokens.peek();
  if (tokens.accept('do')) {
    const body = parseBlock(tokens);
    tokens.expect('while');
    const test = condition(tokens);
    return { kind: 'loop', initializer: undefined, test, update: undefined, body, testLast: true, offset };
  }
  if (tokens.accept('return')) {
    const bare = tokens.is(';') || tokens.is('}') || tokens.isKind('end');
    return { kind: 'return', value: bare ? undefined : parseExpression(tokens), offset };
  }
  if (tokens.accept('break')) return { kind: 'break', offset };
  if (tokens.accept('continue')) return { kind: 'continue', offset };
  if (tokens.accept('throw')) return { kind: 'throw', value: parseExpression(tokens), offset };
  if (declarationAhead(tokens)) return variables(tokens, parseType(tokens));
  return expressionStatement(tokens);
};

const expressionStatement = (tokens: TokenStream): Statement => {
  const expression = parseExpression(tokens);
  return { kind: 'expression', expression, offset: expression.offset };
};

const variables = (tokens: TokenStream, type: Declaration['type']): Declaration => {
  const declared: { name: string; value: Expression | undefined; offset: number }[] = [];
  do {
    const { text: name, offset } = tokens.expectKind('identifier', 'a name');
    declared.push({ name, value: tokens.accept('=') ? parseExpression(tokens) : undefined, offset });
  } while (tokens.accept(','));
  return { kind: 'declaration', type, variables: declared, offset: type.offset };
};
