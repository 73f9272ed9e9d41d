import { expect, test } from '@jest/globals';
import { Option } from 'commander';
import { LeanCommand } from '../../../../src/commands/program/lean-command.ts';

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** A command with a dozen options, of which it keeps those that the words may mean. */
function parse(...words: readonly string[]): { opts: object; known: readonly string[] } {
  const command = new LeanCommand('run', words)
    .option('-d, --detach', 'text')
    .option('-i, --interactive', 'text')
    .option('-t, --tty', 'text')
    .option('-e, --env <list>', 'text', collect)
    .option('--name <string>', 'text')
    .option('-n, --last <int>', 'text', '-1')
    .option('--count <int>', 'text', Number, 1)
    .option('--no-trunc', 'text')
    .addOption(new Option('--net <network>').argParser(collect).hideHelp())
    .addOption(new Option('--format <format>').default('text'))
    .argument('[words...]');
  command.parse([...words], { from: 'user' });
  return { opts: command.opts(), known: command.options.map(({ flags }) => flags) };
}

const DEFAULTS = { last: '-1', count: 1, trunc: true, format: 'text' };

test('it knows what has a default, and nothing else, when no option is named', () => {
  const { opts, known } = parse('image');
  expect(opts).toEqual(DEFAULTS);
  expect(known).toEqual(['-n, --last <int>', '--count <int>', '--no-trunc', '--format <format>']);
});

test.each([
  [['--name', 'web'], { name: 'web' }],
  [['--name=web'], { name: 'web' }],
  [['-itd'], { interactive: true, tty: true, detach: true }],
  [['-dea=b', '-e', 'c'], { detach: true, env: ['a=b', 'c'] }],
  [['--net', 'one', '--net=two'], { net: ['one', 'two'] }],
  [['--no-trunc', '--format=json'], { trunc: false, format: 'json' }],
])('%j means what it means with all options known', (words, meant) => {
  expect(parse(...words).opts).toEqual({ ...DEFAULTS, ...meant });
});
