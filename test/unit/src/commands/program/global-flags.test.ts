/** The flags before the verb: where they end, and which of them are refused. */
import { describe, expect, jest, test } from '@jest/globals';
import { span } from '../../../../../runtime/trace.ts';
import { countGlobals, heedGlobals } from '../../../../../src/commands/program/global-flags.ts';
import { stderr } from '../../../../../src/io/standard-streams.ts';

describe('the words before the verb', () => {
  test.each([
    ['', 0],
    ['ps -a', 0],
    ['-D ps -a', 1],
    ['--debug ps', 1],
    ['--root /r --run /x ps', 4],
    ['--root=/r ps', 1],
    ['--host h --log-level info ps', 4],
    ['-H h -l info ps', 4],
    ['-DH h ps', 2],
    ['-DvH h ps', 2],
    ['-Hh ps', 1],
    ['-H=h ps', 1],
    ['--rootless x ps', 1],
    ['x--root ps', 0],
    ['-x--root ps', 1],
    ['-xH ps', 1],
    ['-H', 1],
    ['-D', 1],
    ['--root', 1],
  ])('%s', (line, count) => {
    expect(countGlobals(line.split(' ').filter(Boolean))).toBe(count);
  });
});

describe('-H', () => {
  test.each(['unix://', 'unix:///var/run/docker.sock', 'unix:///run/docker.sock'])(
    '%s is here',
    async (host) => {
      await expect(heedGlobals({ host })).resolves.toBeUndefined();
    },
  );

  test.each([
    'tcp://192.0.2.1:2375',
    'ssh://machine',
    'unix:///run/podman.sock',
    'unix:///run/docker.sock.old',
    'x-unix://',
    '',
  ])('%s is refused', async (host) => {
    await expect(heedGlobals({ host })).rejects.toMatchObject({
      code: 'NO_DAEMON',
      message: `-H ${host} names a daemon, and minidock has none: it works on the containers of this machine`,
    });
  });
});

test('a level of logging that is none is refused', async () => {
  await expect(heedGlobals({ logLevel: 'loud' })).rejects.toMatchObject({
    code: 'INVALID_FLAG',
    message: 'Unable to parse logging level: loud',
    exitCode: 1,
  });
});

test('the command prints its spans only with -D and with the level debug', async () => {
  const write = jest.spyOn(stderr, 'write').mockImplementation(() => undefined);
  const told = async (globals: Parameters<typeof heedGlobals>[0]): Promise<number> => {
    await heedGlobals(globals);
    write.mockClear();
    span('work', 'something', () => undefined);
    return write.mock.calls.length;
  };
  try {
    // What listens once listens for good, so each that does adds a line.
    expect(await told({})).toBe(0);
    for (const logLevel of ['info', 'warn', 'error', 'fatal']) expect(await told({ logLevel })).toBe(0);
    expect(await told({ debug: true })).toBe(1);
    expect(await told({ debug: false })).toBe(1);
    expect(await told({ logLevel: 'debug' })).toBe(2);
    expect(await told({ debug: true, logLevel: 'info' })).toBe(3);
  } finally {
    write.mockRestore();
  }
});
