import type { TypeName } from './ast.ts';
import type { TokenStream } from './token-stream.ts';

/** How many tokens from `ahead` on make up a type, 0 where none stands there. */
export const typeLength = (tokens: TokenStream, ahead: number): number => {
  let at = ahead;
  if (tokens.isKind('primitive', at) || tokens.isKind('def', at)) at += 1;
  else if (tokens.isKind('identifier', at)) {
    at += 1;
    while (tokens.is('.', at) && tokens.isKind('dotid', at + 1)) at += 2;
  } else return 0;
  while (tokens.is('[', at) && tokens.is(']', at + 1)) at += 2;
  return at - ahead;
};

/** A type that is surely there. */
export const parseType = (tokens: TokenStream): TypeName => {
  const { offset } = tokens.peek();
  const length = typeLength(tokens, 0);
  if (length === 0) tokens.unexpected('a type');
  let name = '';
  let dimensions = 0;
  for (let i = 0; i < length; i += 1) {
    const { text } = tokens.next();
    if (text === '[') dimensions += 1;
    else if (text !== ']') name += text;
  }
  return { name, dimensions, offset };
};

/** A type with a name behind it: a declaration. */
export const declarationAhead = (tokens: TokenStream, ahead = 0): boolean => {
  const length = typeLength(tokens, ahead);
  return length > 0 && tokens.isKind('identifier', ahead + length);
};
