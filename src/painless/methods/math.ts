import { doubleArgument } from '../runtime/convert.ts';
import { double } from '../runtime/numbers.ts';
import type { StaticFunction } from './method.ts';

/** Painless lists the versions on doubles only, so all of them answer doubles; `round` a long. */
const one =
  (compute: (a: number) => number): StaticFunction =>
  (a) =>
    double(compute(doubleArgument(a)));
const two =
  (compute: (a: number, b: number) => number): StaticFunction =>
  (a, b) =>
    double(compute(doubleArgument(a), doubleArgument(b)));

/** To the nearest, halves to the even neighbour. */
const rint = (value: number): number => {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
};

const round: StaticFunction = (a) => {
  const value = doubleArgument(a);
  if (Number.isNaN(value)) return 0n;
  // Halves go up; adding 0.5 first would be wrong just below a half.
  const below = Math.floor(value);
  const rounded = value - below >= 0.5 ? below + 1 : below;
  if (rounded >= 2 ** 63) return 2n ** 63n - 1n;
  return rounded <= -(2 ** 63) ? -(2n ** 63n) : BigInt(rounded);
};

export const MATH_FUNCTIONS: Readonly<Record<string, StaticFunction>> = {
  'abs/1': one(Math.abs),
  'acos/1': one(Math.acos),
  'asin/1': one(Math.asin),
  'atan/1': one(Math.atan),
  'atan2/2': two(Math.atan2),
  'cbrt/1': one(Math.cbrt),
  'ceil/1': one(Math.ceil),
  'cos/1': one(Math.cos),
  'exp/1': one(Math.exp),
  'floor/1': one(Math.floor),
  'hypot/2': two(Math.hypot),
  'log/1': one(Math.log),
  'log10/1': one(Math.log10),
  'max/2': two(Math.max),
  'min/2': two(Math.min),
  // JavaScript gives NaN where one side is NaN and the exponent infinite with base 1; so does Java.
  'pow/2': two((a, b) => a ** b),
  'rint/1': one(rint),
  'round/1': round,
  'signum/1': one(Math.sign),
  'sin/1': one(Math.sin),
  'sqrt/1': one(Math.sqrt),
  'tan/1': one(Math.tan),
  'toDegrees/1': one((a) => (a * 180) / Math.PI),
  'toRadians/1': one((a) => (a / 180) * Math.PI),
};
