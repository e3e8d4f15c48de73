const WIDTH = 80;
const GAP = 2;
const LEAST = 6;

/**
 * Columns as wide as what is in them; where all do not fit on a terminal of 80, the widest are cut.
 * @param keep columns at the left that are cut only where nothing else is left to cut: names are copied from there
 */
export const fittedTable = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { keep = 0, width = WIDTH }: { readonly keep?: number; readonly width?: number } = {},
): string => {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  for (let over = total(widths) - width; over > 0; over -= 1) {
    const widest = widestOf(widths, keep) ?? widestOf(widths, 0);
    if (widest === undefined) break;
    widths[widest]! -= 1;
  }
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => cut(cell, widths[at]!).padEnd(widths[at]!))
        .join(' '.repeat(GAP))
        .trimEnd(),
    )
    .join('\n');
};

const widestOf = (widths: readonly number[], from: number): number | undefined => {
  const widest = widths.indexOf(Math.max(...widths.slice(from)), from);
  return widest < 0 || widths[widest]! <= LEAST ? undefined : widest;
};

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));

/** The end of a name tells versions and quantizations apart, so the middle goes. */
const cut = (text: string, width: number): string => {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 1) * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
};
