/** The words of a command line as commander gets them, flag by flag. */
import { Command, Option } from 'commander';
import { expect, test } from '@jest/globals';
import { normaliseBooleans } from '../../../../../src/commands/shared/boolean-flags.ts';

const command = new Command()
  .option('--rm')
  .option('-t, --tty')
  .option('-m, --memory <bytes>')
  .option('-e, --env <variable>')
  .option('-w, --workdir <dir>')
  .option('--name <name>')
  .addOption(new Option('--explain [how]').preset('text'))
  .option('--no-sig-proxy')
  .option('--no-pause')
  .option('--no-disable-content-trust')
  .option('--no-ipv4')
  .option('--no-human');

test.each([
  // A flag without a value stays; with one it stays or goes.
  ['--rm', '--rm'],
  ['-t --rm=true', '-t --rm'],
  ['-t=1 --tty=0 --rm=F', '-t'],
  // Those that default to true are their negation, or nothing.
  ['--sig-proxy --pause -p', ''],
  ['--sig-proxy=false --pause=true -p=0', '--no-sig-proxy --no-pause'],
  ['--disable-content-trust=false --disable-content-trust', '--no-disable-content-trust'],
  ['--pause.x', '--pause.x'],
  ['--ipv4=false --human=false -H=0', '--no-ipv4 --no-human --no-human'],
  // An optional value that is left out is the preset one, and never the next word.
  ['--explain image', '--explain=text image'],
  ['--explain=json --rm=1', '--explain=json --rm'],
  // Nothing behind the first word that is no flag is looked at.
  ['--rm=1 image --rm=1', '--rm image --rm=1'],
  ['--rm=1 -- --rm=1', '--rm -- --rm=1'],
  ['--rm=1 - --rm=1', '--rm - --rm=1'],
  ['image --rm=1', 'image --rm=1'],
  // Neither is the value of another flag, nor the rest of a word that takes it.
  ['-e --rm=1 --rm=1', '-e --rm=1 --rm'],
  ['-te --rm=1 --rm=1', '-te --rm=1 --rm'],
  ['--name --rm=1 --rm=1', '--name --rm=1 --rm'],
  ['-w/srv/e --rm=1', '-w/srv/e --rm'],
  ['--name=a-e --rm=1', '--name=a-e --rm'],
  ['-x--rm=1', '-x--rm=1'],
  ['-e', '-e'],
  // A short flag's value is what stands behind the equals sign.
  ['-m=6 -tm=7', '-m 6 -tm 7'],
  ['-m6 -me=1 -5m=3 -m5=3', '-m6 -me=1 -5m=3 -m5=3'],
])('%s becomes %s', (given, expected) => {
  const words = (text: string): readonly string[] => text.split(' ').filter(Boolean);
  expect(normaliseBooleans(command, words(given))).toStrictEqual(words(expected));
});

test('no words are no flags', () => {
  expect(normaliseBooleans(command, [])).toEqual([]);
});

test("the words for true and false are Go's", () => {
  for (const word of ['1', 't', 'T', 'true', 'TRUE', 'True'])
    expect(normaliseBooleans(command, [`--rm=${word}`])).toEqual(['--rm']);
  for (const word of ['0', 'f', 'F', 'false', 'FALSE', 'False'])
    expect(normaliseBooleans(command, [`--rm=${word}`])).toEqual([]);
});

test('a value that is no boolean is refused', () => {
  expect(() => normaliseBooleans(command, ['--pause=maybe'])).toThrow(
    expect.objectContaining({
      code: 'INVALID_FLAG',
      message:
        'invalid argument "maybe" for "--pause" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
      exitCode: 125,
    }),
  );
});
