/** A place where two documents differ. */
export interface Difference {
  /** Names along the way, with dots between them. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Where `after` differs from `before`; arrays are one value.
 * @param partial true where what `after` does not name stays as it is
 */
export const differences = (before: unknown, after: unknown, partial: boolean, path = ''): Difference[] => {
  if (!isPlain(before) || !isPlain(after)) return sameValue(before, after) ? [] : [{ path, before, after }];
  const names = new Set(partial ? Object.keys(after) : [...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const at = path === '' ? name : `${path}.${name}`;
    const [old, now] = [before, after].map((object) => (Object.hasOwn(object, name) ? object[name] : undefined));
    return differences(old, now, partial, at);
  });
};

const sameValue = (a: unknown, b: unknown): boolean => {
  if (!Array.isArray(a) || !Array.isArray(b))
    return isPlain(a) && isPlain(b) ? differences(a, b, false).length === 0 : a === b;
  return a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
};
