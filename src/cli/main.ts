import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { distance } from 'fastest-levenshtein';
import { MissingCapability } from '../engine/host';
import { ENGINE_NAMES } from '../plan/plan';
import { cut } from '../report/escape';
import { Interrupted } from '../run';
import { scenarioJsonSchema } from '../scenario/json-schema';
import { InputError } from '../scenario/problem';
import { secondsOf } from '../scenario/quantities';
import { shard } from './choose-scenarios';
import { completionScript } from './completion';
import { downCommand, imagesCommand } from './docker-commands';
import { doctorCommand } from './doctor-command';
import { EXIT } from './exit-codes';
import { faqCommand, type FaqFlags } from './faq-command';
import { listCommand, showCommand, type ShowFlags } from './list-command';
import type { ReportFlags } from './report-command';
import { runCommand, type RunFlags } from './run-command';
import { say } from './print';
import { abortable } from './run-many';

const EXAMPLES = `
Examples:
  npm run lab -- passive-nat              run one scenario
  npm run lab -- active-nat --keep        keep captures, rules and dialogue
  npm run lab -- routed --engine docker   the same on containers
  npm run lab -- run --all --json         all of them, one JSON document
  npm run lab -- run --all --junit r.xml  all of them, for CI
  npm run lab -- report r.json            draw saved results again, in any format, with no lab
  npm run lab -- faq                      what packets say of the FAQ’s 55 claims
  npm run lab -- faq C16                  one claim at length
  npm run lab -- control-16m --real-time  a scenario of minutes without scaling its time
  npm run lab -- ./my-firewall.yaml       a scenario of your own
  npm run lab -- doctor                   what this machine lacks

Exit codes: 0 every expectation held, 1 one did not, 2 scenario, rules or arguments
are wrong, 3 the lab itself failed, 4 nothing could run here.`;

const IN_GITHUB = `
In GitHub Actions (GITHUB_ACTIONS=true) each broken expectation is annotated at its line of the scenario,
and where GITHUB_STEP_SUMMARY names a file, the Markdown report is appended to it.`;

/**
 * The command line.
 *
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A user's PATH on Debian leaves out where nft, tcpdump and conntrack are.
  process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader went away, as `| head` does; nobody is left to tell.
    if (error.code === 'EPIPE') process.exit(EXIT.held);
  });
  handleSignals();
  let code: number = EXIT.held;
  const program = build((result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, argv, program);
  }
}

function build(done: (code: number) => void): Command {
  const program = new Command('lab');
  program
    .description(
      'Settles with real packets whether FTP works through a firewall, why not, and what to change.',
    )
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .helpCommand(false)
    .version(process.env['LAB_VERSION'] ?? '');
  const json = (): Option => new Option('--json', 'one JSON document on stdout, nothing else');
  program
    .command('run', { isDefault: true })
    .description('run scenarios and report what happened (the verb may be left out)')
    .argument('[scenarios...]', 'names, or paths of scenario files')
    .addOption(json())
    .option('--all', 'run every scenario that comes with the lab, and print a table')
    .option('--tag <tag>', 'only those with this tag; without names, of all')
    .option('--shard <i/n>', 'only the i-th of n parts, to share the work among machines', shard)
    .option('--html <file>', 'write an HTML page, too; of several runs an index, and a page each beside it')
    .option('--markdown <file>', 'write Markdown, too')
    .option('--junit <file>', 'write JUnit XML for CI, too')
    .addHelpText('after', IN_GITHUB)
    .action(async (names: string[], flags: RunFlags) => {
      done(await runCommand(names, flags));
    });
  addFaqVerb(program, json, done);
  for (const command of program.commands) addTimeOptions(addRunOptions(command));
  program
    .command('list')
    .description('list the scenarios that come with the lab')
    .addOption(json())
    .action((flags: { json?: true }) => {
      done(listCommand(flags));
    });
  program
    .command('show')
    .description('show what a scenario would do, and the ruleset it would load')
    .argument('<scenario>', 'name or path')
    .addOption(json())
    .action((name: string, flags: ShowFlags) => {
      done(showCommand(name, flags));
    });
  for (const command of program.commands) if (command.name() === 'show') addTimeOptions(command);
  program
    .command('doctor')
    .description('try everything a run needs, in scratch namespaces and containers, and say what is missing')
    .addOption(json())
    .action(async (flags: { json?: true }) => {
      done(await doctorCommand(flags));
    });
  addReportVerb(program, json, done);
  addDockerVerbs(program, json, done);
  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .option('--results', 'that of the documents --json prints, instead')
    .action(async (flags: { results?: true }) => {
      const schema = flags.results ? await publishedSchema() : scenarioJsonSchema();
      process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
    });
  program
    .command('completion')
    .description('print a completion script for bash and zsh')
    .action(() => {
      const flags = program.commands.flatMap((command) => command.options.flatMap(({ long }) => long ?? []));
      process.stdout.write(completionScript(verbs(program), [...new Set(flags)]));
    });
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  return program;
}

/** Options of the verbs that run scenarios. */
function addRunOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--engine <name>', 'what the hosts are made of; auto: netns where it works, else docker')
        .choices([...ENGINE_NAMES, 'auto'])
        .default('auto'),
    )
    .option('--keep', 'keep the evidence of passing runs too')
    .option('--no-capture', 'capture no packets: faster, and less can be proven')
    .option('--all-ports', 'probe all 65,535 ports where a scenario probes a sample')
    .option('--results <folder>', 'where evidence folders are made', 'lab-results')
    .option(
      '--jobs <number>',
      'runs side by side (default: twice the processors, and twelve times for those that mostly wait)',
      positive,
    )
    .addOption(
      new Option(
        '--stalled-after <duration>',
        'end a run that makes no progress for so long, beyond what its steps may take; exit code 3',
      )
        .argParser(patience)
        .default(60, '60 s'),
    )
    .option('-q, --quiet', 'no progress');
}

/** How scenario time and the run's own time go together. */
function addTimeOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--time-scale <n>',
        'scenario seconds per second of the run, timeouts, pauses and patience alike (default: as many as bring the waiting under 10 s)',
      )
        .argParser(scaleFactor)
        .conflicts('realTime'),
    )
    .option('--real-time', 'scale nothing: 15 minutes of the scenario take 15 minutes');
}

/** Reads `--time-scale 100`. */
function scaleFactor(text: string): number {
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= 1 && number <= 10_000)) throw new InvalidArgumentError('allowed: numbers from 1 to 10000');
  return number;
}

/** The verb that runs scenarios for what they say of the FAQ, or reads what they said. */
function addFaqVerb(program: Command, json: () => Option, done: (code: number) => void): void {
  program
    .command('faq')
    .description('run what tests the FAQ’s claims, and say which are upheld, refuted, or depend, and why')
    .argument('[claims...]', 'C01 to C55, to be shown at length (default: all, in short)')
    .addOption(json())
    .option(
      '--from <file>',
      'score what `lab run --json` has printed (- for standard input), and run nothing',
    )
    .action(async (claims: string[], flags: FaqFlags) => {
      done(await faqCommand(claims, flags));
    });
}

/** The verb that needs no lab. */
function addReportVerb(program: Command, json: () => Option, done: (code: number) => void): void {
  program
    .command('report')
    .description('draw saved results again, with no lab: what --json printed, or an evidence folder')
    .argument('<file>', 'the document, the folder, or - for standard input')
    .argument('[runs...]', 'only these, by the name of their scenario')
    .addOption(json())
    .option('--terminal', 'as the run itself printed it (the default when no other format is named)')
    .option('--html <file>', 'an HTML page; of several runs an index, and a page each beside it')
    .option('--svg <file>', 'the ladder diagram of one run')
    .option('--markdown <file>', 'Markdown')
    .option('--junit <file>', 'JUnit XML')
    .action(async (file: string, runs: string[], flags: ReportFlags) => {
      // With the schema and its validator, which other verbs should not wait for.
      const { reportCommand } = await import('./report-command');
      done(reportCommand(file, runs, flags));
    });
}

async function publishedSchema(): Promise<object> {
  const { resultJsonSchema } = await import('../report/result-schema');
  return resultJsonSchema();
}

/** The verbs that concern containers only. */
function addDockerVerbs(program: Command, json: () => Option, done: (code: number) => void): void {
  program
    .command('images')
    .description('build the images of the docker engine that are not there yet (npm run images)')
    .option('--base <image>', 'the image they are built on (default: whichever is there or can be had)')
    .option('--no-cache', 'build all of them anew, with today’s packages')
    .option('-q, --quiet', 'no progress')
    .action(async (flags: { base?: string; cache: boolean; quiet?: true }) => {
      done(await imagesCommand(flags));
    });
  program
    .command('down')
    .description('remove the containers that labs left when they were killed; never those of a lab that runs')
    .requiredOption('--all', 'all of them (labs clean up after themselves, so there is nothing else to name)')
    .addOption(json())
    .action(async (flags: { json?: true }) => {
      done(await downCommand(flags));
    });
}

function verbs(program: Command): string[] {
  return program.commands.map((command) => command.name());
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('allowed: whole numbers from 1');
  return number;
}

/** Seconds of a duration, written as in scenarios. */
function patience(text: string): number {
  const seconds = secondsOf(text);
  // NaN, of what is no duration, is not either.
  if (!(seconds >= 1))
    throw new InvalidArgumentError('allowed: a duration from 1 s, with its unit, e.g. "90 s" or "15m"');
  return seconds;
}

/** Prints one clear error and finds its exit code. */
function explain(error: unknown, argv: readonly string[], program: Command): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.held;
    say(`${error.message.replace(/^error: /, '')}\nsee: npm run lab -- --help`);
    return EXIT.wrongInput;
  }
  if (error instanceof InputError) {
    say(error.message);
    const [word = ''] = argv;
    const near = verbs(program).find((verb) => verb !== word && distance(verb, word) <= 2);
    if (error.file === null && near !== undefined) say(`(or did you mean the verb "${near}"?)`);
    return EXIT.wrongInput;
  }
  // The signal's handler has said so, and ends the process with the signal's own code.
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof MissingCapability) {
    say(`nothing could run here: ${error.message}\n  → ${error.remedy}\n  (npm run lab -- doctor says more)`);
    return EXIT.cannotRun;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`the lab itself failed: ${cut(text, 4000)}`);
  return EXIT.labFailed;
}

/**
 * Ctrl-C takes the hosts down before the lab goes; a second one does not wait.
 *
 * The handlers stay: signal-exit, which comes with testcontainers, kills a process whose own handler
 * was for one signal only.
 */
function handleSignals(): void {
  let stopping = false;
  for (const [signal, code] of [
    ['SIGINT', EXIT.interrupted],
    ['SIGTERM', EXIT.terminated],
    ['SIGHUP', EXIT.terminated],
  ] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(code);
      stopping = true;
      process.stderr.write(`\n${signal}: taking the lab down\n`);
      void Promise.allSettled([...abortable].map((abort) => abort())).then(() => process.exit(code));
    });
  }
}
