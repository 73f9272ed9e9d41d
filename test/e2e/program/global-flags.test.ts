/** What people type before and instead of flags whose `docker` is an alias of `minidock`: -h, -H, -D, -l. */
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const { minidock, ok } = useEngine();

describe('-h', () => {
  test.each([
    ['ps'],
    ['container', 'ls'],
    ['inspect'],
    ['inspect', 'some'],
    ['logs'],
    ['network', 'create'],
    ['doctor'],
    [],
    ['network'],
  ])('%s %s: as --help', async (...verb) => {
    const long = await minidock(...verb, '--help');
    expect(long).toMatchObject({ exitCode: 0, stderr: '' });
    expect(long.stdout).toMatch(/^Usage: minidock/);
    expect(await minidock(...verb, '-h')).toEqual(long);
    expect(long.stdout).not.toMatch(/(?<!docker )\s-h\b/);
  });

  test.each(['run', 'create'])('of %s is the name of the host', async (verb) => {
    expect((await minidock(verb, '--help')).stdout).toMatch(/^ +-h, --hostname <string> /m);
    const id = await ok(verb, '-h', 'named', ...(verb === 'run' ? ['-d'] : []), 'test', 'sleep', '100');
    expect(await ok('inspect', '-f', '{{.Config.Hostname}}', id)).toBe('named');
  });

  test('behind the image it is the program’s', async () => {
    expect(await ok('run', '--rm', 'test', 'echo', '-h')).toBe('-h');
    expect(await ok('run', '--rm', 'test', 'echo', '--help')).toBe('--help');
  });

  test('the first word of verbs of two lists them; another second word is wrong', async () => {
    expect(await minidock('network')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await minidock('network', 'bogus')).toMatchObject({ exitCode: 1, stdout: '' });
  });
});

describe('-H', () => {
  test.each([
    ['-H', 'unix:///var/run/docker.sock'],
    ['-Hunix:///run/docker.sock'],
    ['--host=unix://'],
    ['--host', 'unix:///var/run/docker.sock'],
  ])('%s %s is this machine', async (...flags) => {
    expect(await ok(...flags, 'run', '--rm', 'test', 'echo', 'here')).toBe('here');
  });

  test.each(['tcp://192.0.2.9:2375', 'ssh://root@example.org', 'unix:///tmp/other.sock'])(
    '%s is another daemon: refused, and nothing is done',
    async (host) => {
      const words = `minidock: -H ${host} names a daemon, and minidock has none: it works on the containers of this machine\n`;
      const run = await minidock('-H', host, 'run', '-d', 'test', 'sleep', '100');
      expect(run).toMatchObject({ exitCode: 125, stdout: '' });
      expect(run.stderr).toContain(words);
      expect(await minidock(`--host=${host}`, 'ps')).toMatchObject({ exitCode: 1, stdout: '' });
      expect(await ok('ps', '-aq')).toBe('');
    },
  );
});

describe('-D and --log-level', () => {
  test.each([['-D'], ['--debug'], ['--debug=true'], ['-l', 'debug'], ['--log-level=debug']])(
    '%s %s tells what is done',
    async (...flags) => {
      const { exitCode, stdout, stderr } = await minidock(...flags, 'run', '--rm', 'test', 'echo', 'out');
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'out\n' });
      expect(stderr).toMatch(/^debug: image: find the image \(\d+\.\d ms\)$/m);
      expect(stderr).toMatch(/^debug: wait: wait until it has ended \(\d+\.\d ms\)$/m);
    },
  );

  test.each([['--debug=false'], ['-l', 'info'], ['-l', 'warn'], ['--log-level', 'error'], ['-l=fatal']])(
    '%s %s tells nothing more',
    async (...flags) => {
      expect(await minidock(...flags, 'run', '--rm', 'test', 'echo', 'out')).toMatchObject({
        exitCode: 0,
        stdout: 'out\n',
        stderr: '',
      });
    },
  );

  test('a failure comes with its reason', async () => {
    const { stderr } = await minidock('-D', 'run', '--rm', '--pull', 'never', 'absent');
    expect(stderr).toMatch(/^debug: image: find the image \(.*\): failed: .*absent/m);
  });

  test('another level is refused in Docker’s words', async () => {
    const { exitCode, stderr } = await minidock('-l', 'loud', 'ps');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('minidock: Unable to parse logging level: loud\n');
  });
});
