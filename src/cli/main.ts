import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { bytes } from '../config/units.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { FORMATS } from '../sources/dump/options.ts';
import { dlqList, dlqRedrive, dlqShow, dlqStats } from './commands/dlq.ts';
import { init } from './commands/init.ts';
import { type PublishOptions, publish } from './commands/publish.ts';
import { replay } from './commands/replay.ts';
import { run } from './commands/run.ts';
import { search } from './commands/search.ts';
import { type ServeCommandOptions, serve } from './commands/serve.ts';
import { type SimulateOptions, simulate } from './commands/simulate.ts';
import { validate } from './commands/validate.ts';
import { addModelsCommands } from './models-commands.ts';
import { pipelineSchema } from './pipeline-schema.ts';
import { moment, partOf, share, wholeCount } from './selection-options.ts';
import { versionOf } from './version.ts';

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('not a number above 0.');
  return value;
};

const size = (text: string): number => {
  const parsed = bytes().safeParse(text);
  if (!parsed.success || parsed.data < 1) throw new InvalidArgumentError('not a size: write it like 256mb.');
  return parsed.data;
};

const port = (text: string): number => {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new InvalidArgumentError('not a port.');
};

/** The command line. Sets the exit status and returns when everything has ended. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const program = new Command('sluice');
  const finish = (status: number) => {
    process.exitCode = status;
  };
  program
    .description('Runs Elasticsearch ingest pipelines and models between Kafka or dumps and Elasticsearch.')
    .version(versionOf())
    .exitOverride()
    .showHelpAfterError('(sluice --help lists the commands)')
    .configureHelp({ helpWidth: 80 });
  program
    .command('run')
    .description('run pipeline files until their sources end or a signal comes')
    .argument('<files...>', 'pipeline files')
    .option('--http <address>', 'serve /livez, /readyz and /metrics, e.g. 127.0.0.1:9281')
    .option('--watch', 'take in pipeline files when they change, as on SIGHUP')
    .option('--in-flight-bytes <size>', 'what all streams hold together at most (default: 256mb for several)', size)
    .option('--allow-mixed-vectors', 'write vectors of another model than the index holds')
    .option('--search <query>', 'end with a semantic search over the file that was written')
    .option('--json', 'logs and summary as JSON')
    .action(async (files: string[], options: object) => finish(await run(files, options)));
  program
    .command('replay')
    .description('run a pipeline file over dumps: only the source is exchanged')
    .argument('<file>', 'pipeline file')
    .option(
      '--from <globs...>',
      'files, globs or URLs, plain or compressed; - is standard input; kafka:START..END is a part of the topic, by offsets or times (default: the index of a source elasticsearch)',
    )
    .addOption(new Option('--format <name>', 'how the documents are written (default: auto)').choices(FORMATS))
    .option('--resume', 'go on where the last run of this stream stopped')
    .option('--limit <n>', 'documents at most', count)
    .option('--sample <share>', 'only a share of the documents, e.g. 0.01; the same ones each time', share)
    .option('--since <time>', 'only documents from this time on', moment)
    .option('--until <time>', 'only documents before this time', moment)
    .option('--time-field <name>', 'field of --since and --until (default: @timestamp)')
    .option('--partition <i/n>', 'only one of n parts, by document id: one for each machine', partOf)
    .option('--new-ids', 'ids of a dump beside those of a live stream: for documents that it has not written')
    .option('--dry-run', 'write nothing: tell what would be written, and how it differs from what is there')
    .option('--compare <n>', 'documents that a dry run compares (default: 1000)', wholeCount)
    .option('--show <n>', 'documents whose values a dry run shows, too', wholeCount)
    .option(
      '--parallel <n>',
      'files that are read at once, where documents have ids of their own, or shards (default: 2)',
      wholeCount,
    )
    .option('--rate <n>', 'documents a second at most', count)
    .option('--watch', 'take in the pipeline file when it changes, as on SIGHUP')
    .option('--checkpoint <path>', 'where to keep how far the dump is settled (default: .sluice/NAME.checkpoint.json)')
    .option('--http <address>', 'serve /livez, /readyz and /metrics')
    .option('--allow-mixed-vectors', 'write vectors of another model than the index holds')
    .option('--search <query>', 'end with a semantic search over the file that was written')
    .option('--json', 'logs and summary as JSON')
    .action(async (file: string, options: object) => finish(await replay(file, options)));
  addDlq(program, finish);
  addModelsCommands(program, finish);
  program
    .command('publish')
    .description('write a dump to the topic that a pipeline file reads, for its consumer group to share')
    .argument('<file>', 'pipeline file')
    .requiredOption('--from <globs...>', 'files, globs or URLs, plain or compressed; - is standard input')
    .option('--topic <name>', 'the topic, where the file reads several')
    .option('--key <template>', 'of the record key, e.g. {{{id}}}: versions of a document stay in order')
    .option('--resume', 'go on where the last publish stopped')
    .option('--checkpoint <path>', 'where to keep how far it came (default: .sluice/NAME.publish.json)')
    .option('--limit <n>', 'documents at most', count)
    .option('--rate <n>', 'documents a second at most', count)
    .option('--json', 'logs and summary as JSON')
    .action(async (file: string, options: PublishOptions) => finish(await publish(file, options)));
  program
    .command('validate')
    .description('tell all mistakes of pipeline files, with line and column')
    .argument('<files...>', 'pipeline files')
    .option('--json', 'mistakes as JSON')
    .action((files: string[], options: object) => finish(validate(files, options)));
  program
    .command('simulate')
    .description('run documents through the pipeline of a file, and write nothing')
    .argument('<file>', 'pipeline file')
    .option('--doc <file>', 'a document, NDJSON, or a body of _simulate; - is standard input', '-')
    .option('--verbose', 'what each processor did')
    .action(async (file: string, options: SimulateOptions) => finish(await simulate(file, options)));
  program
    .command('serve')
    .description('serve models and ingest pipelines behind the interface of Elasticsearch')
    .argument('[file]', 'settings, see docs/serve.md; everything has a default')
    .option('--host <address>', 'where to listen (default: 127.0.0.1)')
    .option('--port <port>', 'default: 9280', port)
    .option('--cluster <urls...>', 'Elasticsearch: gets all that is not answered here')
    .option('--models <ids...>', 'models to start, of the store or bundled')
    .option('--state <folder>', 'where pipelines and deployments outlive the process')
    .option('--http <address>', 'serve /livez, /readyz and /metrics, e.g. 127.0.0.1:9281')
    .option('--insecure', 'listen beyond loopback for everybody')
    .option('--new-api-key <name>', 'make a key for api_keys, and end')
    .option('--json', 'logs as JSON')
    .action(async (file: string | undefined, options: ServeCommandOptions) => finish(await serve(file, options)));
  program
    .command('search')
    .description('search a file that sluice has written, by meaning')
    .argument('<file>', 'bulk body or NDJSON with vectors')
    .argument('<query>', 'what to look for')
    .option('--model <path>', 'the model that wrote the vectors (default: the bundled one)')
    .option('--size <n>', 'hits', count)
    .option('--json', 'hits as JSON')
    .action(async (file: string, query: string, options: object) => finish(await search(file, query, options)));
  program
    .command('init')
    .description('write a pipeline file: asks for source, sink and purpose, or takes them as flags')
    .argument('[file]', 'where to write it', 'pipelines/stream.yaml')
    .option('--source <kind>', 'kafka or dump')
    .option('--sink <kind>', 'elasticsearch, file or kafka')
    .option('--purpose <kind>', 'enrich, search, entities or copy')
    .option('--force', 'replace a file that is there')
    .action(async (file: string, options: object) => finish(await init(file, options)));
  program
    .command('schema')
    .description('print the JSON Schema of pipeline files')
    .action(() => {
      console.log(JSON.stringify(pipelineSchema(), null, 2));
      finish(0);
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    finish(tell(error));
  }
};

/** Commands over the dead letters of a stream share their filters. */
const addDlq = (program: Command, finish: (status: number) => void): void => {
  const dlq = program.command('dlq').description('look at the dead letters of a stream, and send them through again');
  const filtered = (command: Command) =>
    command
      .option('--type <types...>', 'of the error, e.g. document_parsing_exception')
      .option('--tag <tags...>', 'of the processor that failed')
      .option('--topic <topics...>', 'that the records came from')
      .option('--since <time>', 'failed at that time or later, e.g. 2026-01-31T12:00:00Z', moment)
      .option('--until <time>', 'failed before that time', moment)
      .option('--json', 'output as JSON');
  filtered(dlq.command('list').description('a line for each, without contents').argument('<file>', 'pipeline file'))
    .option('--limit <n>', 'letters at most (default: 100)', count)
    .action(async (file: string, options: object) => finish(await dlqList(file, options)));
  filtered(dlq.command('stats').description('how many of each kind').argument('<file>', 'pipeline file')).action(
    async (file: string, options: object) => finish(await dlqStats(file, options)),
  );
  dlq
    .command('show')
    .description('all of some letters, the documents in them included')
    .argument('<file>', 'pipeline file')
    .argument('<ids...>', 'ids or origins, as list shows them')
    .option('--json', 'one line of JSON each')
    .action(async (file: string, ids: string[], options: object) => finish(await dlqShow(file, ids, options)));
  filtered(
    dlq
      .command('redrive')
      .description('send the records behind them through the pipeline again; ids stay, so nothing is doubled')
      .argument('<file>', 'pipeline file whose dead letters are meant'),
  )
    .option('--pipeline <file>', 'a corrected pipeline file to send them through')
    .option('--id <ids...>', 'only these ids or origins')
    .option('--resume', 'go on where the last redrive stopped')
    .option('--checkpoint <path>', 'where to keep how far it came (default: .sluice/NAME.redrive.json)')
    .option('--limit <n>', 'letters to look at, at most', count)
    .option('--rate <n>', 'letters a second at most', count)
    .option('--http <address>', 'serve /livez, /readyz and /metrics')
    .action(async (file: string, options: object) => finish(await dlqRedrive(file, options)));
};

/** Tells an error to a person: what, where, and the way out. */
const tell = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof SluiceError) {
    console.error(
      `sluice: ${error.message}\n${error.place === undefined ? '' : `  at ${error.place}\n`}${error.hint === undefined ? '' : `  ${error.hint}\n`}  (${error.code})`,
    );
    return error.exitCode;
  }
  console.error(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  return 1;
};
