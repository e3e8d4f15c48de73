const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A size as people read it, in powers of 1000 as hubs show it. */
export const shownBytes = (bytes: number): string => {
  let [value, unit] = [bytes, 0];
  for (; value >= 999.5 && unit < UNITS.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 99.5 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
};
