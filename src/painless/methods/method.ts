import type { Value } from '../runtime/values.ts';

/** A method with its arguments by position; the ones it does not take are undefined and never looked at. */
export type Method = (self: Value, a: Value, b: Value, c: Value) => Value;

/** Methods by `name/number of arguments`. */
export type MethodTable = ReadonlyMap<string, Method>;

/** A table for one kind of receiver. Whoever calls has looked at the kind, so the receiver is what it says. */
export const methodsOf = <Self extends Value>(
  table: Readonly<Record<string, (self: Self, a: Value, b: Value, c: Value) => Value>>,
): MethodTable => new Map(Object.entries(table).map(([key, method]) => [key, method as unknown as Method]));

/** Functions of classes have no receiver. */
export type StaticFunction = (a: Value, b: Value, c: Value) => Value;
