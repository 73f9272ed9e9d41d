/** The table of verbs: every verb has an example, every line fits, and mistyped words find what was meant. */
import { expect, test } from '@jest/globals';
import { closest, distance } from '../../../../src/commands/program/closest.ts';
import { hasExample } from '../../../../src/commands/program/examples.ts';
import { groupHelp, helpText } from '../../../../src/commands/program/help.ts';
import { GROUPS, VERBS } from '../../../../src/commands/program/verbs.ts';

test('each verb has an example', () => {
  const without = VERBS.filter(({ name, hidden }) => hidden !== true && !hasExample(name));
  expect(without.map(({ name }) => name)).toEqual([]);
});

test('names are unique, and those of two words belong to a group', () => {
  const words = VERBS.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
  expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
  const groups = new Set(words.filter((word) => word.includes(' ')).map((word) => word.split(' ')[0]));
  expect([...groups].sort()).toEqual(Object.keys(GROUPS));
});

test('each verb on containers is also a verb of `container`, as in Docker', () => {
  const help = groupHelp('container') ?? '';
  for (const name of [
    'attach',
    'create',
    'diff',
    'exec',
    'inspect',
    'kill',
    'logs',
    'ls',
    'port',
    'prune',
    'rename',
    'restart',
    'rm',
    'run',
    'start',
    'stats',
    'stop',
    'top',
    'wait',
  ])
    expect(help).toMatch(new RegExp(`^  ${name} +`, 'm'));
  expect(help).not.toMatch(/^ {2}(ps|list|remove) /m);
});

test('the help names each verb once and fits 80 columns', () => {
  for (const text of [helpText(), ...Object.keys(GROUPS).map((group) => groupHelp(group) ?? '')])
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  for (const { name } of VERBS.filter(({ name, hidden }) => !name.includes(' ') && hidden !== true))
    expect(helpText().match(new RegExp(`^  ${name}  `, 'gm'))).toHaveLength(1);
  expect(groupHelp('nosuch')).toBeUndefined();
});

test.each([
  ['runn', 'run'],
  ['strat', 'start'],
  ['lgos', 'logs'],
  ['continer ls', 'container ls'],
  ['xyz', undefined],
  ['', undefined],
])('%j is near %j', (typed, expected) => {
  expect(closest(typed, ['run', 'start', 'logs', 'container ls', 'container rm'])).toBe(expected);
});

test('distance', () => {
  expect(distance('', 'abc')).toBe(3);
  expect(distance('abc', 'abc')).toBe(0);
  expect(distance('ab', 'ba')).toBe(1);
  expect(distance('kitten', 'sitting')).toBe(3);
});
