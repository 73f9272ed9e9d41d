/**
 * The command line: finds the verb, or prints an error without one. It loads only the verb's module, and the flag
 * parser only with a verb.
 */
import { span } from '../../../runtime/trace.ts';
import type { WaitingShim } from '../../engine/shim/client/shim-process.ts';
import { stdout } from '../../io/standard-streams.ts';
import { countGlobals } from './global-flags.ts';
import { helpText } from './help.ts';
import type { CommandLine } from './verb-runner.ts';
import { VERBS } from './verbs.ts';
import type { VerbEntry } from './verb-entry.ts';

/** `shim`: one that waits for the container that this command line may start. */
export async function runCommandLine(words: readonly string[], shim?: WaitingShim): Promise<number> {
  const argv = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  if (argv[0] === '__complete') {
    await (await import('../completion/complete.ts')).printCandidates(argv.slice(1));
    return 0;
  }
  if (argv.length === 0 || (argv.length === 1 && isHelp(argv[0]))) {
    stdout.write(helpText());
    return 0;
  }
  const { verb, entry, before, rest } = findVerb(argv);
  if (entry === undefined && verb !== undefined) {
    const { unknownVerb } = await import('./unknown-verb.ts');
    return unknownVerb(verb, rest);
  }
  const { runVerb } = await span('start', 'load the parser', () => import('./verb-runner.ts'));
  return runVerb({ entry, before, rest, shim });
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

/** The verb is the first word that is not a global flag; `container run` and `image ls` are two words. */
function findVerb(argv: readonly string[]): CommandLine & { readonly verb: string | undefined } {
  const index = countGlobals(argv);
  const verb = argv[index];
  const before = argv.slice(0, index);
  if (verb === '--version' || before.includes('--version') || before.includes('-v')) {
    return { verb, entry: VERBS.find(({ name }) => name === 'version'), before: [], rest: ['--short'] };
  }
  const nested = entryOf(`${verb ?? ''} ${argv[index + 1] ?? ''}`);
  if (nested !== undefined) return { verb, entry: nested, before, rest: argv.slice(index + 2) };
  return { verb, entry: entryOf(verb ?? ''), before, rest: argv.slice(index + 1) };
}

/**
 * A loop instead of a closure: JavaScriptCore compiles a function after forty calls, in a thread that short commands
 * do not need.
 */
function entryOf(word: string): VerbEntry | undefined {
  for (const entry of VERBS) {
    if (entry.name === word || entry.aliases?.includes(word) === true) return entry;
  }
  return undefined;
}
