/**
 * The command line: which verbs there are, global flags, Docker's words for wrong usage, exit statuses. Only the
 * module of the verb that was typed is loaded. This is the one place where an error becomes text and a status.
 */
import { Command, CommanderError } from 'commander';
import { Engine } from '../engine/engine.ts';
import { resolvePaths } from '../engine/paths.ts';
import { colorsFor, wantsColor } from '../ui/colors.ts';
import { exitStatus, renderError } from '../ui/errors.ts';
import type { Context, Verb } from './verb.ts';
import { VERBS, type VerbEntry } from './verbs.ts';
import { normaliseBooleans } from './boolean-flags.ts';
import { stderr, stdout } from '../engine/standard-streams.ts';

/** Docker's status for a command line that cannot be understood. */
const USAGE_STATUS = 125;

interface Globals {
  readonly root?: string;
  readonly run?: string;
}

export async function runCommandLine(words: readonly string[]): Promise<number> {
  const argv = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const program = newProgram();
  const { verb, entry, before, rest } = findVerb(argv);
  const verbs = entry === undefined ? VERBS : VERBS.filter((candidate) => candidate === entry);
  for (const candidate of verbs)
    program.addCommand(new Command(candidate.name).description(candidate.summary));
  const outcome = { code: 0 };
  try {
    if (entry === undefined) {
      if (verb !== undefined) return unknownVerb(verb);
      await program.parseAsync([...argv], { from: 'user' });
      return 0;
    }
    await runVerb(program, entry, before, rest, outcome);
    return outcome.code;
  } catch (error) {
    return await printError(error, entry?.name ?? '', program.commands[0]);
  }
}

async function runVerb(
  program: Command,
  entry: VerbEntry,
  before: readonly string[],
  rest: readonly string[],
  outcome: { code: number },
): Promise<void> {
  const module: Verb = await entry.load();
  const command = program.commands[0] as Command;
  program.parseOptions([...before]);
  const context: Context = {
    engine: new Engine(resolvePaths(program.opts<Globals>())),
    exit: (code) => {
      outcome.code = code;
    },
    report: async (error) => {
      await printError(error, entry.name);
      outcome.code = 1;
    },
  };
  command.copyInheritedSettings(program).helpOption('--help', 'Print usage').allowExcessArguments(false);
  module.configure(command, context);
  await program.parseAsync([...before, entry.name, ...normaliseBooleans(command, rest)], { from: 'user' });
}

function newProgram(): Command {
  const program = new Command('minidock');
  return program
    .description('A container runtime without a daemon that can show every step it takes')
    .usage('[OPTIONS] COMMAND')
    .option('--root <dir>', 'Where images and containers are kept (MINIDOCK_ROOT)')
    .option('--run <dir>', 'Where the state of running containers is kept (MINIDOCK_RUN)')
    .enablePositionalOptions()
    .helpOption('--help', 'Print usage')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      getOutHelpWidth: () => stdout.columns || 80,
      getOutHasColors: () => wantsColor(stdout),
      outputError: () => undefined,
    })
    .action(() => program.outputHelp());
}

/** The verb is the first word that is not a global flag; `container run` and `image ls` are two words. */
function findVerb(argv: readonly string[]): {
  verb: string | undefined;
  entry: VerbEntry | undefined;
  before: readonly string[];
  rest: readonly string[];
} {
  let index = 0;
  while (index < argv.length && argv[index]?.startsWith('-') === true) {
    index += argv[index] === '--root' || argv[index] === '--run' ? 2 : 1;
  }
  const verb = argv[index];
  const before = argv.slice(0, index);
  if (verb === '--version' || before.includes('--version') || before.includes('-v')) {
    return { verb, entry: VERBS.find(({ name }) => name === 'version'), before: [], rest: ['--short'] };
  }
  const two = `${verb ?? ''} ${argv[index + 1] ?? ''}`;
  const nested = VERBS.find(({ name, aliases }) => name === two || aliases?.includes(two) === true);
  if (nested !== undefined) return { verb, entry: nested, before, rest: argv.slice(index + 2) };
  const entry = VERBS.find(({ name, aliases }) => name === verb || aliases?.includes(verb ?? '') === true);
  return { verb, entry, before, rest: argv.slice(index + 1) };
}

function unknownVerb(verb: string): number {
  const group = VERBS.filter(({ name, aliases }) =>
    [name, ...(aliases ?? [])].some((word) => word.startsWith(`${verb} `)),
  );
  if (group.length > 0) {
    const words = group.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
    const list = words.filter((word) => word.startsWith(`${verb} `));
    stderr.write(
      `Usage: minidock ${verb} COMMAND\n\nCommands:\n${list.map((word) => `  ${word}\n`).join('')}`,
    );
    return 1;
  }
  stderr.write(`minidock: '${verb}' is not a minidock command.\nSee 'minidock --help'\n`);
  return 1;
}

async function printError(error: unknown, verb: string, command?: Command): Promise<number> {
  if (error instanceof CommanderError) return printUsageError(error, verb, command);
  stderr.write(renderError(error, { verb, colors: await colorsFor(stderr) }));
  return exitStatus(error, verb);
}

function printUsageError(error: CommanderError, verb: string, command: Command | undefined): number {
  if (error.exitCode === 0) return 0;
  const words = error.message.replace(/^error: /, '');
  const say = (text: string, status: number): number => {
    stderr.write(`minidock: ${text}\nSee 'minidock ${verb} --help'.\n`.replaceAll('  --help', ' --help'));
    return status;
  };
  const unknown = /^unknown option '(--?)([^'=]+)/.exec(words);
  if (unknown !== null) {
    const text =
      unknown[1] === '--'
        ? `unknown flag: --${unknown[2] ?? ''}`
        : `unknown shorthand flag: '${unknown[2] ?? ''}' in -${unknown[2] ?? ''}`;
    return say(text, USAGE_STATUS);
  }
  const missing = /^option '.*?(--?[a-z-]+)(?: <[^>]*>)?' argument missing/.exec(words);
  if (missing !== null) return say(`flag needs an argument: ${missing[1] ?? ''}`, USAGE_STATUS);
  if (error.code === 'commander.missingArgument' || error.code === 'commander.excessArguments')
    return say(`"minidock ${verb}" ${arity(command)}.`, 1);
  return say(words, USAGE_STATUS);
}

/** How many arguments a verb takes, in Docker's words. */
function arity(command: Command | undefined): string {
  const all = command?.registeredArguments ?? [];
  const least = all.filter(({ required }) => required).length;
  const most = all.some(({ variadic }) => variadic) ? Infinity : all.length;
  const count = (number: number): string => `${String(number)} argument${number === 1 ? '' : 's'}`;
  if (most === 0) return 'accepts no arguments';
  if (least === most) return `requires exactly ${count(least)}`;
  if (most === Infinity) return `requires at least ${count(least)}`;
  return least === 0
    ? `requires at most ${count(most)}`
    : `requires at least ${String(least)} and at most ${count(most)}`;
}
