/** Numbers and pieces that parsers stumble over. */
const PIECES = [
  'null',
  '-0',
  '1e999',
  '9007199254740993',
  '1.0',
  '"\\ud800"',
  '{}',
  '[]',
  '[[[[',
  '"',
  '\\u0000',
  '__proto__',
  '"constructor"',
  'true',
  '🦊',
  ',',
  ':',
];

/** A message with one or two faults in it; a third of them leave it well-formed. @param random 0 to 1 */
export const mutate = (message: Buffer, others: readonly Buffer[], random: () => number): Buffer => {
  let bytes: Buffer = Buffer.from(message);
  const at = () => Math.floor(random() * (bytes.length + 1));
  for (let faults = 1 + Math.floor(random() * 2); faults > 0; faults -= 1) {
    const dice = Math.floor(random() * 12);
    if (dice === 0 && bytes.length > 0) bytes[at() % bytes.length]! ^= 1 << Math.floor(random() * 8);
    else if (dice === 1 && bytes.length > 0) bytes[at() % bytes.length] = Math.floor(random() * 256);
    else if (dice === 2) bytes = bytes.subarray(0, at());
    else if (dice === 3) {
      const from = at();
      bytes = Buffer.concat([
        bytes.subarray(0, from),
        bytes.subarray(Math.min(bytes.length, from + 1 + Math.floor(random() * 8))),
      ]);
    } else if (dice === 4) {
      const from = at();
      bytes = Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from(PIECES[Math.floor(random() * PIECES.length)]!),
        bytes.subarray(from),
      ]);
    } else if (dice === 5) {
      const other = others[Math.floor(random() * others.length)]!;
      bytes = Buffer.concat([bytes.subarray(0, at()), other.subarray(Math.floor(random() * other.length))]);
    } else bytes = digits(bytes, random);
  }
  return bytes;
};

/** Another digit in place of one: still well-formed, with another value. */
const digits = (bytes: Buffer, random: () => number): Buffer => {
  const out = Buffer.from(bytes);
  const places = [...out.keys()].filter((at) => out[at]! >= 0x30 && out[at]! <= 0x39);
  for (let n = 0; n < 3 && places.length > 0; n += 1)
    out[places[Math.floor(random() * places.length)]!] = 0x30 + Math.floor(random() * 10);
  return out;
};
