/** Looking into a container: `top`, `stats`, `diff`. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

describe('top', () => {
  test('the container’s processes and no others, with any columns', async () => {
    await ok('run', '-d', '--name', 'tt', 'test', 'sh', '-c', 'sleep 1000 & sleep 1001 & wait');
    await ok('run', '-d', '--name', 'other', 'test', 'sleep', '2000');
    const lines = await engine.host.waitFor(async () => {
      const found = (await ok('top', 'tt', '-o', 'pid,args'))
        .split('\n')
        .map((line) => line.split(/ {2,}/)[1]);
      return found.length === 4 ? found : undefined;
    }, 'the shell to start its two programs');
    expect(lines).toEqual(['COMMAND', 'sh -c sleep 1000 & sleep 1001 & wait', 'sleep 1000', 'sleep 1001']);
    expect((await ok('top', 'tt')).split('\n')[0]).toBe(
      ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME'].map((title) => title.padEnd(20)).join('') + 'CMD',
    );
    expect((await ok('container', 'top', 'tt', 'aux')).split('\n')).toHaveLength(4);
    // Options that do not go together with a list of processes.
    expect((await ok('top', 'tt', '-C', 'sleep')).split('\n')).toHaveLength(3);
  });

  test.each([
    [['-o', 'args'], "Couldn't find PID field in ps output"],
    [['-o', 'pid,nosuch'], 'ps: error: unknown user-defined format specifier "nosuch"'],
    [['-o', 'uid=PID'], 'specifying "uid=PID" is not allowed'],
  ])('refuses %j', async (options, words) => {
    await ok('run', '-d', '--name', 'tt', 'test', 'sleep', '1000');
    const { stderr, exitCode } = await minidock('top', 'tt', ...options);
    expect(stderr).toContain(words);
    expect(exitCode).toBe(1);
  });

  test('a container that does not run has none', async () => {
    const id = await ok('create', '--name', 'still', 'test');
    expect(await minidock('top', 'still')).toEqual({
      stdout: '',
      stderr: `minidock: container ${id} is not running\n`,
      exitCode: 1,
    });
  });
});

describe('stats', () => {
  test('what one uses that works, one that sleeps and one that does not run', async () => {
    await ok('run', '-d', '--name', 'busy', '-m', '64m', 'test', 'sh', '-c', 'while :; do :; done');
    await ok('run', '-d', '--name', 'idle', '--network', 'none', 'test', 'sleep', '1000');
    await ok('create', '--name', 'still', 'test');
    const text = await ok('stats', '-a', '--no-stream', '--format', 'json');
    const rows = text.split('\n').map((line) => JSON.parse(line) as Record<string, string>);
    expect(rows.map(({ Name }) => Name)).toEqual(['still', 'idle', 'busy']);
    const [still, idle, busy] = rows;
    expect(still).toMatchObject({ CPUPerc: '0.00%', MemUsage: '0B / 0B', PIDs: '0' });
    expect(idle).toMatchObject({ NetIO: '0B / 0B', PIDs: '1' });
    expect(Number.parseFloat(busy?.['CPUPerc'] ?? '')).toBeGreaterThan(1);
    expect(busy?.['MemUsage']).toMatch(/^[\d.]+[KM]iB \/ 64MiB$/);
    expect((await ok('stats', '--no-stream')).split('\n')[0]).toMatch(
      /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/,
    );
    expect(await ok('stats', '--no-stream', '--format', '{{.Container}} {{.Name}}', 'idle')).toBe(
      'idle idle',
    );
  });

  test('goes on until a signal ends it, and starts no program', async () => {
    await ok('run', '-d', '--name', 'idle', 'test', 'sleep', '1000');
    const live = engine.host.spawn([binary, 'stats', '--format', '{{.Name}}']);
    await engine.host.waitFor(() => live.output().split('idle').length > 2, 'two pictures');
    live.kill('SIGINT');
    await live.exited;
    const record = join(engine.host.dir, 'strace');
    const traced = ['strace', '-f', '-qq', '-e', 'trace=execve', '-o', record, binary];
    await succeed(engine.host.run([...traced, 'stats', '--no-stream']));
    expect(readFileSync(record, 'utf8').match(/execve\(/g)).toHaveLength(1);
  });

  test('a container that is not there', async () => {
    expect(await minidock('stats', '--no-stream', 'nosuch')).toEqual({
      stdout: '',
      stderr: 'minidock: No such container: nosuch\n',
      exitCode: 1,
    });
  });
});

describe('diff', () => {
  test('as Docker 26.1 tells it, sorted', async () => {
    await ok('run', '-d', '--name', 'dd', '-v', 'vol1:/x', '-v', '/y', 'test', 'sleep', '1000');
    await ok(
      ...['exec', 'dd', 'sh', '-c'],
      'mkdir -p /new/d; echo x >/new/d/f; rm /etc/group; echo y >>/etc/passwd; chmod 700 /root; rm -r /www; mkdir /www; touch /www/n; ln -s a /lnk; mkfifo /pipe; rm -rf /volume; touch /x/vol /tmp/t; : >>/etc/not-executable',
    );
    const expected = [
      ...['C /etc', 'D /etc/group', 'C /etc/passwd', 'A /lnk', 'A /new', 'A /new/d', 'A /new/d/f', 'A /pipe'],
      ...[
        'C /root',
        'C /tmp',
        'A /tmp/t',
        'D /volume',
        'C /www',
        'D /www/index.html',
        'A /www/n',
        'A /x',
        'A /y',
      ],
    ];
    expect((await ok('diff', 'dd')).split('\n')).toEqual(expected);
    await ok('rm', '-f', 'dd');
    await ok('volume', 'rm', 'vol1');
    await ok('create', '--name', 'new', 'test');
    expect(await ok('diff', 'new')).toBe('');
  });

  test('what the container makes leads nowhere and moves no cursor', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'hh',
      'test',
      'sh',
      '-c',
      `
      mkdir /a && ln -s /etc /a/link && touch "$(printf '/a/\\033[2J\\nD b')" "$(printf '/a/\\377')"
      touch /ready
      while :; do mkdir /swap 2>/dev/null; mv /swap /swap2; ln -s /proc /swap; rm /swap; rm -rf /swap2; done`,
    );
    await engine.host.waitFor(async () => (await ok('diff', 'hh')).includes('/ready'), 'its files');
    for (let round = 0; round < 10; round += 1) {
      const lines = (await ok('diff', 'hh')).split('\n');
      expect(lines.filter((line) => !/^A \/swap2?$/.test(line))).toEqual([
        ...['A /a', 'A /a/\\x1b[2J\\nD b', 'A /a/link', 'A /a/\ufffd', 'A /ready'],
      ]);
    }
  });

  test('a chain of directories without end is refused in one line', async () => {
    const script = 'i=0; while [ $i -lt 600 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done';
    await ok('run', '--name', 'deep', 'test', 'sh', '-c', script);
    const { stderr, exitCode } = await minidock('diff', 'deep');
    expect(stderr).toContain('nested more than 500 levels deep');
    expect(exitCode).toBe(1);
  });
});

test('inspect finds networks and volumes, by name or by --type', async () => {
  await ok('network', 'create', 'back');
  await ok('create', '-v', 'data:/data', '--name', 'user', 'test');
  expect(await ok('inspect', '-f', '{{.Name}} {{.Driver}}', 'back', 'data')).toBe('back bridge\ndata local');
  expect(await ok('inspect', '--type', 'network', '-f', '{{.Name}}', 'bridge')).toBe('bridge');
  expect(JSON.parse(await ok('volume', 'inspect', 'data'))).toMatchObject([
    { Name: 'data', Driver: 'local', Labels: null, Options: null, Scope: 'local' },
  ]);
  expect((await minidock('inspect', '--type', 'volume', 'back')).stderr).toContain(
    'get back: no such volume',
  );
  expect((await minidock('inspect', '--type', 'network', 'data')).stderr).toContain('network data not found');
  expect((await minidock('inspect', 'nosuch')).stderr).toContain('No such object: nosuch');
  await ok('rm', 'user');
  await ok('volume', 'rm', 'data');
  await ok('network', 'rm', 'back');
});

test('ps names an image by its id once its tag was removed or leads to another image', async () => {
  const images = async (...flags: string[]): Promise<string> =>
    ok('ps', '-a', ...flags, '--filter', 'name=tagged', '--format', '{{.Image}}');
  await ok('tag', 'test', 'moving:1');
  await ok('create', '--name', 'tagged', 'moving:1', 'true');
  const id = await ok('inspect', '-f', '{{.Image}}', 'tagged');
  expect(await images()).toBe('moving:1');
  await ok('tag', 'configured', 'moving:1');
  expect([await images(), await images('--no-trunc')]).toEqual([id.slice(7, 19), id]);
  expect(await ok('inspect', '-f', '{{.Config.Image}}', 'tagged')).toBe('moving:1');
  expect(await ok('system', 'df', '-v', '--format', '{{range .Containers}}{{.Image}}{{end}}')).toBe(
    id.slice(7, 19),
  );
  await ok('rmi', 'moving:1');
  expect(await images()).toBe(id.slice(7, 19));
  await ok('tag', 'test', 'moving:1');
  expect(await images()).toBe('moving:1');
  await ok('rmi', 'moving:1');
  await ok('rm', 'tagged');
  await ok('create', '--name', 'tagged', id.slice(7, 21), 'true');
  expect([await images(), await images('--no-trunc')]).toEqual([id.slice(7, 19), id.slice(7, 21)]);
});
