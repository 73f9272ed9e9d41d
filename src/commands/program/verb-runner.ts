/**
 * Runs one verb through commander: its flags, its action, and the one place where an error becomes text and a status.
 * Separate from program.ts, since --help needs no parser.
 */
import { Command, CommanderError } from 'commander';
import { isTraced, span, spanSince, traceClock } from '../../../runtime/trace.ts';
import { Engine } from '../../engine/engine.ts';
import type { WaitingShim } from '../../engine/shim/client/shim-process.ts';
import { resolvePaths } from '../../engine/state/paths.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { wantsColor } from '../../ui/colors.ts';
import { normaliseBooleans } from '../shared/boolean-flags.ts';
import { GLOBAL_FLAGS, heedGlobals, type Globals } from './global-flags.ts';
import { DESCRIPTION, helpText } from './help.ts';
import { LeanCommand } from './lean-command.ts';
import type { Context, Verb } from '../shared/verb.ts';
import type { VerbEntry } from './verb-entry.ts';

/** Docker's status for a command line that cannot be understood. */
const USAGE_STATUS = 125;

export interface CommandLine {
  /** undefined: global flags alone. */
  readonly entry: VerbEntry | undefined;
  /** Words before the verb. */
  readonly before: readonly string[];
  /** Words after it. */
  readonly rest: readonly string[];
  readonly shim?: WaitingShim | undefined;
}

/** The exit status. */
export async function runVerb({ entry, before, rest, shim }: CommandLine): Promise<number> {
  const outcome = { code: 0 };
  let command: Command | undefined;
  try {
    const globals =
      before.length === 0 && entry !== undefined ? {} : await parseGlobals(before, entry === undefined);
    if (entry === undefined) return outcome.code;
    const module: Verb = await span('start', `load ${entry.name}`, () => entry.load());
    const parsing = traceClock();
    const context: Context = {
      engine: new Engine(resolvePaths(globals)),
      shim,
      exit: (code) => {
        outcome.code = code;
      },
      report: async (error) => {
        await printError(error, entry.name);
        outcome.code = 1;
      },
    };
    if (module.startsLean !== true) await context.engine.containers.loadExaminer();
    const parse = async (all: boolean): Promise<void> => {
      const name = `minidock ${entry.name}`;
      command = newCommand(all ? new Command(name) : new LeanCommand(name, rest));
      command.description(entry.summary).allowExcessArguments(false);
      module.configure(command, context);
      if (asksForHelp) command.addHelpText('after', (await import('./examples.ts')).helpFooter(entry));
      if (isTraced()) command.hook('preAction', () => spanSince(parsing, 'start', 'parse arguments'));
      await command.parseAsync([...normaliseBooleans(command, rest)], { from: 'user' });
    };
    const asksForHelp = rest.some((word) => word === '--help' || word === '-h');
    try {
      await parse(asksForHelp);
    } catch (error) {
      if (!(error instanceof CommanderError) || asksForHelp) throw error;
      await parse(true);
    }
    return outcome.code;
  } catch (error) {
    return await printError(error, entry?.name ?? '', command);
  }
}

/**
 * Parses global flags before the verb. A second parser, because it costs half a millisecond and most command lines
 * have no global flags.
 */
async function parseGlobals(words: readonly string[], isAlone: boolean): Promise<Globals> {
  const program = newCommand(new Command('minidock')).description(DESCRIPTION);
  for (const [flag, what] of GLOBAL_FLAGS) program.option(flag, what);
  program.helpInformation = helpText;
  program.action(() => (isAlone ? program.outputHelp() : undefined));
  await program.parseAsync([...normaliseBooleans(program, words)], { from: 'user' });
  const globals = program.opts<Globals>();
  await heedGlobals(globals);
  return globals;
}

function newCommand(command: Command): Command {
  return (
    command
      .helpOption('-h, --help', 'Print usage')
      // As in Docker: it is taken, unless the verb has another -h, and not advertised.
      .configureHelp({ optionTerm: ({ long, flags }) => (long === '--help' ? long : flags) })
      .helpCommand(false)
      .exitOverride()
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        getOutHelpWidth: () => stdout.columns || 80,
        getOutHasColors: () => wantsColor(stdout),
        outputError: () => undefined,
      })
  );
}

async function printError(error: unknown, verb: string, command?: Command): Promise<number> {
  if (error instanceof CommanderError) return printUsageError(error, verb, command);
  const { exitStatus, renderError } = await import('../../ui/errors.ts');
  const { colorsFor } = await import('../../ui/colors.ts');
  stderr.writeStyled(renderError(error, { verb, colors: await colorsFor(stderr) }));
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
    const meant = /\(Did you mean (.*)\?\)/.exec(words)?.[1];
    const hint = meant === undefined ? '' : `\nDid you mean ${meant}?`;
    const text =
      unknown[1] === '--'
        ? `unknown flag: --${unknown[2] ?? ''}`
        : `unknown shorthand flag: '${unknown[2] ?? ''}' in -${unknown[2] ?? ''}`;
    return say(`${text}${hint}`, USAGE_STATUS);
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
