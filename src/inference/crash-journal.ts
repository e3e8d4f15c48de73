import { hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';

/** Deaths with a text in flight after which it runs with nothing beside it; one more, and it does not run again. */
export const DEATHS_TO_RUN_ALONE = 2;
export const DEATHS_TO_REFUSE = 3;

/** A place in the file: the text's key in hexadecimal and a line feed, or blanks. */
const KEY_LENGTH = 32;
const PLACE_BYTES = KEY_LENGTH + 1;
const EMPTY = `${' '.repeat(KEY_LENGTH)}\n`;
/** Suspects that are remembered; the oldest are forgotten first. */
const MAX_SUSPECTS = 1000;

/** Where journals lie: beside other state that outlives a process. */
export const journalFolder = (): string =>
  join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'sluice', 'crashes');

/** Names a text in the journal without saying what is in it. */
export const journalKey = (model: string, text: string): string =>
  hash('sha256', `${model}\0${text}`, 'hex').slice(0, KEY_LENGTH);

/**
 * Remembers on disk which texts are inside native code, because a crash there ends the process and nobody could say
 * afterwards which text it was. What was in flight when the process died twice runs alone in the process; if that ends
 * it too, the text is the culprit and is refused from then on.
 *
 * A write to a file survives the process without a sync, and costs some microseconds a text. A process that is killed
 * for another reason leaves its texts behind as well: they are suspects until they come through once.
 */
export class CrashJournal {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: number;
  readonly #deaths: Map<string, number>;
  readonly #free: number[] = [];
  readonly #listeners = new Set<() => void>();
  #places = 0;
  #running = 0;
  /** The text that wants to run, or runs, with nothing beside it. */
  #alone: string | undefined;
  #closed = false;

  /** @throws Error when the folder cannot be written */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    this.#deaths = readSuspects(folder);
    if (takeOver(folder, this.#deaths)) this.#keep();
    this.#path = join(folder, journalName(process.pid));
    this.#file = openSync(this.#path, 'w', 0o600);
  }

  /** How often the process died with this text in flight. */
  deaths(key: string): number {
    return this.#deaths.get(key) ?? 0;
  }

  /** Called when a text that `enter` sent away may try again. */
  onRoom(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Notes that a text goes into native code. Undefined where it has to wait, because it or another one runs alone. */
  enter(key: string): number | undefined {
    if (this.#alone !== undefined && (this.#alone !== key || this.#running > 0)) return undefined;
    if (this.#alone === undefined && this.deaths(key) >= DEATHS_TO_RUN_ALONE) {
      this.#alone = key;
      if (this.#running > 0) return undefined;
    }
    const place = this.#free.pop() ?? this.#places++;
    this.#running += 1;
    this.#write(place, `${key}\n`);
    return place;
  }

  /** The text came out again, or its thread ended while the process lives. */
  leave(key: string, place: number, survived: boolean): void {
    this.#write(place, EMPTY);
    this.#free.push(place);
    this.#running -= 1;
    if (survived && this.#deaths.delete(key)) this.#keep();
    if (this.#alone === key) this.#alone = undefined;
    else if (this.#alone === undefined || this.#running > 0) return;
    for (const listener of this.#listeners) listener();
  }

  /** A text that waited to run alone is no longer wanted. */
  withdraw(key: string): void {
    if (this.#alone !== key) return;
    this.#alone = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** The process ends as it should: nothing in flight is to blame. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }

  #write(place: number, text: string): void {
    if (!this.#closed) writeSync(this.#file, text, place * PLACE_BYTES);
  }

  #keep(): void {
    while (this.#deaths.size > MAX_SUSPECTS) this.#deaths.delete(this.#deaths.keys().next().value!);
    const temporary = join(this.#folder, `suspects.${process.pid}.tmp`);
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(this.#deaths)), { mode: 0o600 });
    renameSync(temporary, join(this.#folder, SUSPECTS));
  }
}

const SUSPECTS = 'suspects.json';

/** The machine is part of the name: a process number says nothing about another machine's processes. */
const journalName = (pid: number): string => `${hostname()}.${pid}.journal`;

const readSuspects = (folder: string): Map<string, number> => {
  const path = join(folder, SUSPECTS);
  if (!existsSync(path)) return new Map();
  try {
    const entries = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as object);
    return new Map(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  } catch {
    // It only ever makes texts run alone: a damaged one is like none.
    return new Map();
  }
};

/** Adds what the journals of dead processes hold, and removes them. True where there was any. */
const takeOver = (folder: string, deaths: Map<string, number>): boolean => {
  let found = false;
  for (const name of readdirSync(folder)) {
    const match = /^(.+)\.(\d+)\.journal$/.exec(name);
    if (match === null || match[1] !== hostname() || lives(Number(match[2]))) continue;
    const claimed = join(folder, `${name}.${process.pid}.claimed`);
    try {
      // Two processes that start together must not count a death twice.
      renameSync(join(folder, name), claimed);
    } catch {
      continue;
    }
    for (const key of new Set(readFileSync(claimed, 'latin1').split('\n'))) {
      if (!/^[0-9a-f]+$/.test(key) || key.length !== KEY_LENGTH) continue;
      deaths.set(key, (deaths.get(key) ?? 0) + 1);
      found = true;
    }
    rmSync(claimed, { force: true });
  }
  return found;
};

const lives = (pid: number): boolean => {
  // In a container every process has the same number: the one that has it now is this one.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
