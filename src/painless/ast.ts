/** Every node knows where it begins: `offset` in the script, the operator's for operations. */
interface At {
  readonly offset: number;
}

export type NumberKind = 'integer' | 'decimal' | 'octal' | 'hex';
export type BinaryOperator =
  | '*'
  | '/'
  | '%'
  | '+'
  | '-'
  | '<<'
  | '>>'
  | '>>>'
  | '&'
  | '^'
  | '|'
  | '<'
  | '<='
  | '>'
  | '>='
  | '=='
  | '!='
  | '==='
  | '!=='
  | '=~'
  | '==~'
  | '&&'
  | '||';

/** A type as written: `def`, `int`, `List`, `java.util.List`, with its pairs of brackets. */
export interface TypeName extends At {
  readonly name: string;
  readonly dimensions: number;
}

export interface Name extends At {
  readonly kind: 'name';
  readonly name: string;
}
export interface Field extends At {
  readonly kind: 'field';
  readonly target: Expression;
  readonly name: string;
  readonly safe: boolean;
}
export interface Index extends At {
  readonly kind: 'index';
  readonly target: Expression;
  readonly index: Expression;
}
export interface Call extends At {
  readonly kind: 'call';
  /** Undefined where a function of the script's own is called. */
  readonly target: Expression | undefined;
  readonly name: string;
  readonly safe: boolean;
  readonly args: readonly Expression[];
}
export interface Unary extends At {
  readonly kind: 'unary';
  readonly operator: '!' | '~' | '+' | '-';
  readonly operand: Expression;
}
export interface Binary extends At {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
export interface Assign extends At {
  readonly kind: 'assign';
  /** The operator before the `=`, undefined for a plain one. */
  readonly operator: BinaryOperator | undefined;
  readonly target: Expression;
  readonly value: Expression;
}
export interface Step extends At {
  readonly kind: 'step';
  readonly target: Expression;
  readonly operator: '+' | '-';
  /** `x++`: the value is the one before. */
  readonly postfix: boolean;
}
export interface Parameter {
  readonly type: TypeName | undefined;
  readonly name: string;
}

export type Expression =
  | (At & { readonly kind: 'number'; readonly written: NumberKind; readonly text: string })
  | (At & { readonly kind: 'string'; readonly value: string })
  | (At & { readonly kind: 'boolean'; readonly value: boolean })
  | (At & { readonly kind: 'null' })
  | (At & { readonly kind: 'regex'; readonly pattern: string; readonly flags: string })
  | (At & { readonly kind: 'list'; readonly items: readonly Expression[] })
  | (At & { readonly kind: 'map'; readonly entries: readonly (readonly [Expression, Expression])[] })
  | (At & { readonly kind: 'new'; readonly type: TypeName; readonly args: readonly Expression[] })
  | (At & { readonly kind: 'cast'; readonly type: TypeName; readonly operand: Expression })
  | (At & { readonly kind: 'instanceof'; readonly operand: Expression; readonly type: TypeName })
  | (At & {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    })
  | (At & { readonly kind: 'elvis'; readonly left: Expression; readonly right: Expression })
  | (At & { readonly kind: 'lambda'; readonly parameters: readonly Parameter[]; readonly body: Expression | Block })
  | (At & { readonly kind: 'reference'; readonly target: string; readonly name: string })
  | Name
  | Field
  | Index
  | Call
  | Unary
  | Binary
  | Assign
  | Step;

export interface Block extends At {
  readonly kind: 'block';
  readonly statements: readonly Statement[];
}
export interface Declaration extends At {
  readonly kind: 'declaration';
  readonly type: TypeName;
  readonly variables: readonly (At & { readonly name: string; readonly value: Expression | undefined })[];
}
export interface If extends At {
  readonly kind: 'if';
  readonly test: Expression;
  readonly then: Statement;
  readonly otherwise: Statement | undefined;
}
export interface Loop extends At {
  readonly kind: 'loop';
  readonly initializer: Statement | undefined;
  readonly test: Expression | undefined;
  readonly update: Expression | undefined;
  readonly body: Statement | undefined;
  /** `do … while`: the test comes after the body. */
  readonly testLast: boolean;
}
export interface Each extends At {
  readonly kind: 'each';
  readonly type: TypeName | undefined;
  readonly name: string;
  readonly items: Expression;
  readonly body: Statement;
}

export type Statement =
  | Block
  | Declaration
  | If
  | Loop
  | Each
  | (At & { readonly kind: 'expression'; readonly expression: Expression })
  | (At & { readonly kind: 'return'; readonly value: Expression | undefined })
  | (At & { readonly kind: 'break' })
  | (At & { readonly kind: 'continue' })
  | (At & { readonly kind: 'throw'; readonly value: Expression })
  | (At & { readonly kind: 'try'; readonly body: Block; readonly traps: readonly Trap[] });

export interface Trap extends At {
  readonly type: TypeName;
  readonly name: string;
  readonly body: Block;
}
export interface FunctionDeclaration extends At {
  readonly type: TypeName;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: Block;
}
export interface Script {
  readonly source: string;
  readonly functions: readonly FunctionDeclaration[];
  readonly statements: readonly Statement[];
}
