import type { FunctionDeclaration, Parameter, Script, Statement } from './ast.ts';
import { parseBlock, parseStatement } from './parse-statement.ts';
import { declarationAhead, parseType, typeLength } from './parse-type.ts';
import { TokenStream } from './token-stream.ts';

/** @throws PainlessError */
export const parseScript = (source: string): Script => {
  const tokens = new TokenStream(source);
  const functions: FunctionDeclaration[] = [];
  while (declarationAhead(tokens) && tokens.is('(', typeLength(tokens, 0) + 1)) functions.push(parseFunction(tokens));
  const statements: Statement[] = [];
  while (!tokens.isKind('end')) {
    if (tokens.is('}')) tokens.unexpected('a statement');
    statements.push(parseStatement(tokens));
  }
  return { source, functions, statements };
};

const parseFunction = (tokens: TokenStream): FunctionDeclaration => {
  const type = parseType(tokens);
  const { text: name } = tokens.expectKind('identifier', 'a name');
  tokens.expect('(');
  const parameters: Parameter[] = [];
  while (!tokens.accept(')')) {
    parameters.push({ type: parseType(tokens), name: tokens.expectKind('identifier', 'a name').text });
    if (!tokens.is(')')) tokens.expect(',');
  }
  return { type, name, parameters, body: parseBlock(tokens), offset: type.offset };
};
