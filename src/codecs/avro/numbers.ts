import { type JsonValue, toDouble } from '../../core/json/values.ts';

/** A double as Elasticsearch holds it. JSON has no NaN and no infinities: null, a field without a value. */
export const doubleValue = (value: number): JsonValue => (Number.isFinite(value) ? toDouble(value) : null);

/** A float with as few digits as tell it from other floats, 0.1 and not 0.10000000149011612. */
export const floatValue = (value: number): JsonValue => doubleValue(shortest(value));

const shortest = (value: number): number => {
  const magnitude = Math.abs(value);
  if (Number.isInteger(value) && magnitude < 2 ** 24) return value;
  if (magnitude >= 1e-6 && magnitude < 1e6) {
    const exponent = Math.floor(Math.log10(magnitude));
    for (let digits = 6; digits <= 9; digits += 1) {
      // Both are whole numbers that a double holds, so that the quotient is the double nearest to the decimal.
      const factor = 10 ** (digits - 1 - exponent);
      const rounded = Math.round(value * factor) / factor;
      if (Math.fround(rounded) === value) return rounded;
    }
  }
  for (let digits = 1; digits <= 9; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
};
