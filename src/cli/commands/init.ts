import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { SluiceError } from '../../core/errors.ts';
import { template } from '../init-template.ts';
import { formatMistakes, loadStream } from '../load-stream.ts';
import { createLog } from '../log.ts';

/** What `sluice init` asks, with the answers it takes; the first is the default. */
const QUESTIONS = {
  source: {
    ask: 'Where do documents come from?',
    answers: { kafka: 'topics of a Kafka cluster', dump: 'NDJSON files' },
  },
  sink: {
    ask: 'Where do they go?',
    answers: { elasticsearch: 'an index', file: 'a file, as a _bulk body', kafka: 'a topic' },
  },
  purpose: {
    ask: 'What for?',
    answers: {
      enrich: 'find people, organisations and places, and search by meaning',
      search: 'search by meaning',
      entities: 'find people, organisations and places',
      copy: 'only move them',
    },
  },
} as const;

/** The exit status of a command that a person interrupts. */
const INTERRUPTED = 130;

export type Answers = { readonly [Q in keyof typeof QUESTIONS]: keyof (typeof QUESTIONS)[Q]['answers'] };

export interface InitOptions extends Partial<Record<keyof Answers, string>> {
  readonly force?: boolean;
}

/** Asks for source, sink and purpose, or takes them as flags, and writes a validated pipeline file. */
export const init = async (file: string, options: InitOptions): Promise<number> => {
  if (existsSync(file) && options.force !== true)
    throw new SluiceError('SLUICE_USAGE', 'the file is there already', {
      place: file,
      hint: 'Name another one, or use --force.',
    });
  const answers = await answer(options);
  if (answers === undefined) return INTERRUPTED;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, template(file, answers));
  // An address that only the environment knows is no mistake of the file.
  const { mistakes } = loadStream(file, createLog(false));
  if (mistakes.length > 0)
    throw new SluiceError(
      'SLUICE_INTERNAL',
      `the file that was written is not valid:\n${formatMistakes(file, mistakes)}`,
    );
  console.log(`${file} is written and valid. Next: look it over, then\n\n  npx sluice run ${file}`);
  return 0;
};

/** Undefined where the person would rather not say: Ctrl-C or Ctrl-D. */
const answer = async (options: InitOptions): Promise<Answers | undefined> => {
  const answers: Record<string, string> = {};
  const terminal =
    process.stdin.isTTY === true ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
  const closed = new AbortController();
  // Without it a question that is left open by Ctrl-D is never answered.
  terminal?.once('close', () => closed.abort());
  try {
    for (const [name, { ask, answers: known }] of Object.entries(QUESTIONS)) {
      const names = Object.keys(known);
      const given =
        options[name as keyof Answers] ??
        (terminal === undefined ? names[0]! : await question(terminal, ask, known, closed.signal));
      if (!names.includes(given))
        throw new SluiceError('SLUICE_USAGE', `[${given}] is not an answer for --${name}`, {
          hint: `Take one of ${names.join(', ')}.`,
        });
      answers[name] = given;
    }
  } catch (error) {
    if (!closed.signal.aborted && (error as Error).name !== 'AbortError') throw error;
    console.log();
    return undefined;
  } finally {
    terminal?.close();
  }
  return answers as unknown as Answers;
};

const question = async (
  terminal: ReturnType<typeof createInterface>,
  ask: string,
  known: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> => {
  const names = Object.keys(known);
  console.log(ask);
  names.forEach((name, index) => console.log(`  ${index + 1}. ${name.padEnd(14)} ${known[name]}`));
  for (;;) {
    const typed = (await terminal.question(`[1-${names.length}, default 1] `, { signal })).trim();
    const chosen = typed === '' ? names[0] : (names[Number(typed) - 1] ?? names.find((name) => name === typed));
    if (chosen !== undefined) return chosen;
  }
};
