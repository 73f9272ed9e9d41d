/** The flags of `run` and `create` as commander hands them over. */
import { Command } from 'commander';
import { describe, expect, test } from '@jest/globals';
import type { ContainerFlags, CreateRequest } from '../../../../src/engine/spec/create-request.ts';
import { normaliseBooleans } from '../../../../src/commands/shared/boolean-flags.ts';
import { defineContainerFlags, toCreateRequest } from '../../../../src/commands/shared/container-flags.ts';

function newCommand(): Command {
  const command = new Command('run')
    .argument('<image>')
    .argument('[args...]')
    .passThroughOptions()
    .exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  defineContainerFlags(command);
  return command;
}
function request(argv: readonly string[], detached = false): CreateRequest {
  const command = newCommand();
  command.parse([...normaliseBooleans(command, argv)], { from: 'user' });
  const [image = '', args] = command.processedArgs as [string, string[]];
  return toCreateRequest(image, args, command.opts<ContainerFlags>(), detached);
}

describe('flags', () => {
  test('each repeated one collects; the image ends them', () => {
    const flags = [
      '-e',
      'A=1',
      '--env',
      'B=2',
      '-v',
      '/a',
      '-p',
      '80',
      '-p',
      '81',
      '-l',
      'x',
      '--dns=1.1.1.1',
    ];
    expect(request([...flags, 'image', 'cmd', '-e', 'not ours', '--rm'])).toMatchObject({
      image: 'image',
      args: ['cmd', '-e', 'not ours', '--rm'],
      env: ['A=1', 'B=2'],
      volume: ['/a'],
      publish: ['80', '81'],
      label: ['x'],
      dns: ['1.1.1.1'],
    });
  });

  test('clusters of short ones, and values stuck to them', () => {
    expect(request(['-itm', '64m', '-uapp', '-w/tmp', 'image'])).toMatchObject({
      interactive: true,
      tty: true,
      memory: '64m',
      user: 'app',
      workdir: '/tmp',
    });
    expect(request(['-itm=64m', '-u=app', '-eA=1', '-e=B=2', '-w=', '-h=-', 'image', '-x=y'])).toMatchObject({
      interactive: true,
      tty: true,
      memory: '64m',
      user: 'app',
      env: ['A=1', 'B=2'],
      hostname: '-',
      args: ['-x=y'],
    });
  });

  test('a missing value, an unknown flag', () => {
    expect(() => request(['-e'])).toThrow(/argument missing/);
    expect(() => request(['--fly', 'image'])).toThrow(/unknown option/);
  });
});

describe('booleans', () => {
  test.each([
    [['--rm=true', 'image'], true],
    [['--rm=1', 'image'], true],
    [['--rm=T', 'image'], true],
    [['--rm=F', 'image'], undefined],
    [['--rm=false', 'image'], undefined],
    [['--rm=0', 'image'], undefined],
    [['image', '--rm=true'], undefined],
    [['-e', '--rm=true', 'image'], undefined],
    [['--', 'image', '--rm=false'], undefined],
  ])('%j', (argv, rm) => {
    expect(request(argv).rm).toBe(rm);
  });

  test('a word that is neither', () => {
    expect(() => request(['--rm=perhaps', 'image'])).toThrow(
      'invalid argument "perhaps" for "--rm" flag: strconv.ParseBool: parsing "perhaps": invalid syntax',
    );
  });

  test('the value of another flag is not looked at', () => {
    const command = newCommand();
    expect(normaliseBooleans(command, ['-ie', '--rm=x', '--name', '--tty=x', 'image'])).toEqual([
      '-ie',
      '--rm=x',
      '--name',
      '--tty=x',
      'image',
    ]);
  });
});

test('an empty value is none where Docker takes it so; elsewhere it is for others to refuse', () => {
  const empty = ['name', 'hostname', 'user', 'workdir', 'ip', 'network', 'cidfile', 'platform'];
  const { image, args, attachStdin, attachStdout, attachStderr, ...flags } = request([
    ...empty.map((flag) => `--${flag}=`),
    ...['--entrypoint=', '--memory=', 'image'],
  ]);
  expect(flags).toEqual({
    entrypoint: '',
    memory: '',
    pull: 'missing',
    healthcheck: true,
    disableContentTrust: true,
  });
  expect([image, args, attachStdin, attachStdout, attachStderr]).toEqual(['image', [], false, true, true]);
});

describe('streams', () => {
  const streams = (argv: readonly string[], detached = false): readonly boolean[] => {
    const { attachStdin, attachStdout, attachStderr } = request([...argv, 'image'], detached);
    return [attachStdin, attachStdout, attachStderr];
  };

  test.each([
    [[], false, [false, true, true]],
    [['-i'], false, [true, true, true]],
    [['-i'], true, [false, false, false]],
    [['-a', 'stdout'], false, [false, true, false]],
    [['-a', 'STDIN', '-a', 'stderr'], false, [true, false, true]],
  ])('%j, detached: %s', (argv, detached, expected) => {
    expect(streams(argv, detached)).toEqual(expected);
  });

  test('there are three', () => {
    expect(() => streams(['-a', 'stdin', '-a', 'mouth'])).toThrow(
      'invalid argument "mouth" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR',
    );
  });
});
