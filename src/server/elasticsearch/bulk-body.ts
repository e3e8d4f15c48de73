import { Refusal } from '../../core/refusal.ts';

export const ACTIONS = ['index', 'create', 'update', 'delete'] as const;
export type BulkActionName = (typeof ACTIONS)[number];

/** One action of a bulk request, as it came. */
export interface BulkItem {
  readonly action: BulkActionName;
  readonly meta: Readonly<Record<string, unknown>>;
  /** None for delete. */
  readonly source: Buffer | undefined;
  /** Its lines with their line breaks. */
  readonly raw: Buffer;
}

const malformed = (line: number, why: string): Refusal =>
  new Refusal(400, 'illegal_argument_exception', `Malformed action/metadata line [${line}], ${why}`);

/** Reads the lines of a bulk request; the documents stay bytes. @throws Refusal 400 */
export const readBulk = (body: Buffer): BulkItem[] => {
  if (body.length === 0) throw new Refusal(400, 'parse_exception', 'request body is required');
  if (body.at(-1) !== NEWLINE)
    throw new Refusal(400, 'illegal_argument_exception', 'The bulk request must be terminated by a newline [\\n]');
  const items: BulkItem[] = [];
  let line = 0;
  let at = 0;
  let last: (Pick<BulkItem, 'action' | 'meta'> & { readonly bytes: Buffer }) | undefined;
  const nextLine = (): Buffer | undefined => {
    if (at >= body.length) return undefined;
    const end = body.indexOf(NEWLINE, at);
    const bytes = body.subarray(at, end > at && body[end - 1] === RETURN ? end - 1 : end);
    at = end + 1;
    line += 1;
    return bytes;
  };
  for (let from = at, head = nextLine(); head !== undefined; from = at, head = nextLine()) {
    if (head.length === 0) continue;
    // Shippers send one action with every document.
    if (last === undefined || !head.equals(last.bytes)) last = { bytes: head, ...readHead(head, line) };
    const { action, meta } = last;
    const source = action === 'delete' ? undefined : nextLine();
    if (action !== 'delete' && source === undefined)
      throw malformed(line, 'the document of the last action is missing');
    items.push({ action, meta, source, raw: body.subarray(from, at) });
  }
  return items;
};

const NEWLINE = 10;
const RETURN = 13;

const readHead = (head: Buffer, line: number): Pick<BulkItem, 'action' | 'meta'> => {
  let value: unknown;
  try {
    value = JSON.parse(head.toString('utf8'));
  } catch {
    throw malformed(line, 'expected a JSON object');
  }
  let name: string | undefined;
  let meta: unknown;
  let count = 0;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    for (const key in value) {
      name = key;
      meta = (value as Readonly<Record<string, unknown>>)[key];
      count += 1;
    }
  if (name === undefined || count !== 1) throw malformed(line, 'expected one action');
  const action = ACTIONS.find((known) => known === name);
  if (action === undefined)
    throw malformed(line, `expected one of [${ACTIONS.join(', ')}] but found [${name.slice(0, 40)}]`);
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta))
    throw malformed(line, `expected an object behind [${action}]`);
  return { action, meta: meta as Record<string, unknown> };
};
