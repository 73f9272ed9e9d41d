/**
 * `__complete WORDS`: what the last of the words may become, a line each with a tab and a description. The shells' own
 * scripts (scripts.ts) ask here, so that verbs and flags come from the table of verbs, and names from the state.
 */
import { Command, type Option } from 'commander';
import { oneLine } from '../../../runtime/printable.ts';
import { Engine } from '../../engine/engine.ts';
import { listNetworks } from '../../engine/state/networks.ts';
import { resolvePaths } from '../../engine/state/paths.ts';
import { listVolumes } from '../../engine/state/volumes.ts';
import { isActive } from '../../engine/spec/container.ts';
import { stdout } from '../../io/standard-streams.ts';
import { countGlobals, GLOBAL_FLAGS } from '../program/global-flags.ts';
import { GROUPS, VERBS } from '../program/verbs.ts';
import type { VerbEntry } from '../program/verb-entry.ts';

interface Candidate {
  readonly word: string;
  readonly what: string;
}

export async function printCandidates(words: readonly string[]): Promise<void> {
  const found = await complete(words);
  stdout.write(found.map(({ word, what }) => `${oneLine(word)}\t${oneLine(what)}\n`).join(''));
}

async function complete(words: readonly string[]): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? '';
  const typed = words.slice(0, -1);
  const [first, second, ...rest] = typed.slice(countGlobals(typed));
  if (first === undefined) return startingWith(current, current.startsWith('-') ? globals() : verbs());
  const nested = second === undefined ? undefined : entryOf(`${first} ${second}`);
  if (nested !== undefined) return startingWith(current, await ofVerb(nested, rest, current));
  const entry = entryOf(first);
  if (entry !== undefined) {
    const after = second === undefined ? [] : [second, ...rest];
    return startingWith(current, await ofVerb(entry, after, current));
  }
  return second === undefined ? startingWith(current, verbsOf(first)) : [];
}

const startingWith = (current: string, all: readonly Candidate[]): readonly Candidate[] =>
  all.filter(({ word }) => word.startsWith(current));

const entryOf = (name: string): VerbEntry | undefined =>
  VERBS.find((verb) => verb.name === name || verb.aliases?.includes(name) === true);

const globals = (): readonly Candidate[] =>
  GLOBAL_FLAGS.flatMap(([flags, what]) => {
    const long = /--[a-z-]+/.exec(flags)?.[0];
    return long === undefined ? [] : [{ word: long, what }];
  });

const verbs = (): readonly Candidate[] => [
  ...VERBS.filter(({ name, hidden }) => !name.includes(' ') && hidden !== true).map(({ name, summary }) => ({
    word: name,
    what: summary,
  })),
  ...Object.entries(GROUPS).map(([word, what]) => ({ word, what })),
];

const verbsOf = (group: string): readonly Candidate[] =>
  VERBS.flatMap(({ name, aliases, summary }) => {
    const found = [name, ...(aliases ?? [])].find((word) => word.startsWith(`${group} `));
    return found === undefined ? [] : [{ word: found.slice(group.length + 1), what: summary }];
  });

async function ofVerb(
  entry: VerbEntry,
  typed: readonly string[],
  current: string,
): Promise<readonly Candidate[]> {
  const engine = new Engine(resolvePaths({}));
  await engine.containers.loadExaminer();
  const command = new Command();
  const nothing = (): undefined => undefined;
  (await entry.load()).configure(command, {
    engine,
    shim: undefined,
    exit: nothing,
    report: async () => undefined,
  });
  const joined = /^(--[a-z-]+)=/.exec(current);
  if (joined !== null) {
    const values = await valuesOf(engine, joined[1] ?? '');
    return values.map(({ word, what }) => ({ word: `${joined[1] ?? ''}=${word}`, what }));
  }
  const { options } = command;
  const before = typed.at(-1) ?? '';
  const pending = options.find(
    (option) => option.required && (option.long === before || option.short === before),
  );
  if (pending !== undefined) return valuesOf(engine, pending.long ?? '');
  if (current.startsWith('-')) return options.filter(({ hidden }) => !hidden).flatMap(flagOf);
  const given = positionals(typed, options);
  const all = command.registeredArguments;
  const argument = all[given.length] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
  const found = await objects(engine, argument?.name() ?? '', entry.name);
  return found.filter(({ word }) => !given.includes(word));
}

const flagOf = ({ long, description }: Option): readonly Candidate[] =>
  typeof long === 'string' ? [{ word: long, what: description }] : [];

function positionals(typed: readonly string[], options: readonly Option[]): readonly string[] {
  const taking = options.filter(({ required }) => required).flatMap(({ long, short }) => [long, short]);
  return typed.filter((word, at) => !word.startsWith('-') && !taking.includes(typed[at - 1]));
}

/** Values of a flag, where they are names that minidock knows. */
async function valuesOf(engine: Engine, flag: string): Promise<readonly Candidate[]> {
  switch (flag) {
    case '--network':
    case '--net':
      return objects(engine, 'network', '');
    case '--volumes-from':
      return objects(engine, 'container', '');
    case '--log-driver':
      return ['json-file', 'local', 'none'].map((word) => ({ word, what: 'log driver' }));
    case '--restart':
      return ['no', 'on-failure', 'always', 'unless-stopped'].map((word) => ({
        word,
        what: 'restart policy',
      }));
    case '--pull':
      return ['always', 'missing', 'never'].map((word) => ({ word, what: 'when to pull' }));
    case '--type':
      return ['container', 'image', 'network', 'volume'].map((word) => ({ word, what: 'kind of object' }));
    default:
      return [];
  }
}

/** Objects by the name of the argument that wants one. What cannot be read is not offered. */
async function objects(engine: Engine, argument: string, verb: string): Promise<readonly Candidate[]> {
  try {
    if (/^(containers?|names?)$/.test(argument) && verb !== 'rename') return containers(engine, verb);
    if (argument === 'container') return containers(engine, verb);
    if (/^(images?|source|repository)$/.test(argument) || (argument === 'name' && verb === 'pull'))
      return await images(engine);
    if (/^networks?$/.test(argument)) return networks(engine);
    if (/^volumes?$/.test(argument)) {
      return listVolumes(engine.paths).map(({ name }) => ({ word: name, what: 'volume' }));
    }
    return [];
  } catch (error) {
    // Not root's shell, or damaged state: a completion has nowhere to complain.
    if ((error as { code?: unknown }).code === undefined) throw error;
    return [];
  }
}

/** For these only what runs, or only what does not, makes sense. */
const WANTS_RUNNING = ['attach', 'exec', 'kill', 'pause', 'port', 'stats', 'stop', 'top', 'unpause'];

function containers({ containers: store }: Engine, verb: string): readonly Candidate[] {
  return store
    .list()
    .filter(({ config }) => config.builder === undefined)
    .filter(({ state }) =>
      WANTS_RUNNING.includes(verb) ? isActive(state) : verb === 'start' ? !isActive(state) : true,
    )
    .map(({ config }) => ({ word: config.name, what: `container of ${config.imageRef}` }));
}

async function images(engine: Engine): Promise<readonly Candidate[]> {
  const { familiarName, parseReference } = await import('../../../images/reference.ts');
  const all = await (await engine.images()).list();
  return all
    .flatMap(({ tags }) => tags)
    .flatMap((tag) => {
      const name = familiarName(parseReference(tag));
      const short = name.replace(/:latest$/, '');
      return [...new Set([short, name])].map((word) => ({ word, what: 'image' }));
    });
}

const networks = ({ paths }: Engine): readonly Candidate[] =>
  [...new Set(['bridge', 'host', 'none', ...listNetworks(paths).map(({ name }) => name)])].map((word) => ({
    word,
    what: 'network',
  }));
