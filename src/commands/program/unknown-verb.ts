/** What is not a verb: the first word of a group, a verb of Docker's that one host has no use for, or a mistake. */
import { stderr, stdout } from '../../io/standard-streams.ts';
import { groupHelp } from './help.ts';
import { closest } from './closest.ts';
import { GROUPS, VERBS } from './verbs.ts';

const SWARM = 'there is no Swarm on one host without a daemon';

const CONTEXT = 'minidock works on this host only; its one context is "default"';

/** Of Docker's commands: why there is none here. */
const REFUSED: Readonly<Record<string, string>> = {
  checkpoint: 'minidock keeps no checkpoints of processes',
  compose: 'minidock has no Compose: write the containers down as a script of minidock run lines',
  config: SWARM,
  'context create': CONTEXT,
  'context export': CONTEXT,
  'context import': CONTEXT,
  'context rm': CONTEXT,
  'context update': CONTEXT,
  node: SWARM,
  plugin: 'minidock has no plugins',
  secret: SWARM,
  service: SWARM,
  stack: SWARM,
  swarm: SWARM,
  trust: 'minidock checks digests, and no signatures',
};

/** Prints why, or the verbs of a group. Returns the exit status. */
export function unknownVerb(verb: string, rest: readonly string[]): number {
  const [second = ''] = rest;
  const both = `${verb} ${second}`;
  const name = REFUSED[both] === undefined ? verb : both;
  const reason = name === both || GROUPS[verb] === undefined ? REFUSED[name] : undefined;
  if (reason !== undefined) {
    stderr.write(`minidock: '${name}' is not supported: ${reason}\n`);
    return 1;
  }
  const group = groupHelp(verb);
  if (group === undefined) {
    stderr.write(
      `minidock: '${verb}' is not a minidock command.\n${suggestion(verb, words())}See 'minidock --help'\n`,
    );
    return 1;
  }
  const helps = second === '--help' || second === '-h';
  const didYouMean = helps || second === '' ? '' : suggestion(`${verb} ${second}`, words());
  (helps ? stdout : stderr).write(`${didYouMean}${group}`);
  return helps || rest.length === 0 ? 0 : 1;
}

const words = (): readonly string[] =>
  VERBS.filter(({ hidden }) => hidden !== true).flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);

function suggestion(typed: string, known: readonly string[]): string {
  const found = closest(typed, known);
  return found === undefined ? '' : `Did you mean '${found}'?\n`;
}
