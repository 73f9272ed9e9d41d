/** `export` and `commit`: a container's files as an archive, and what it changed as an image. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const BINARY = join(import.meta.dirname, '../../../dist/minidock');
const CHANGES = [
  'echo made >/made; chown 3:4 /made; chmod 4750 /made; ln /made /twin; ln -s /made /link; mkfifo /pipe',
  'rm -rf /www; mkdir /www; echo new >/www/new; rm /bin/wget /bin/vi; echo kept >/vol/kept',
  `echo odd >"/$(printf 'odd\\377\\nname')"; truncate -s 100M /sparse; ln -s /etc/shadow /out; touch /done`,
].join('\n');

beforeAll(async () => {
  const script = `${CHANGES}\nexec sleep 1000`;
  await ok('run', '-d', '--name', 'changed', '-e', 'A=b', '-v', 'kept:/vol', 'test', 'sh', '-c', script);
  await engine.host.waitFor(
    async () => (await minidock('exec', 'changed', 'test', '-e', '/done')).exitCode === 0,
    'the changes',
  );
});

const listed = async (archive: string): Promise<readonly string[]> =>
  (await succeed(engine.host.run(['sh', '-c', `${archive} | tar -t | sort`]))).stdout
    .split('\n')
    .filter(Boolean);
const state = async (): Promise<string> => ok('inspect', '-f', '{{.State.Status}}', 'changed');

describe('export', () => {
  test('all files, none of a volume; the same running, stopped, and to a file', async () => {
    const all = await listed(`${BINARY} export changed`);
    expect(all).toEqual(
      expect.arrayContaining(['made', 'twin', 'link', 'pipe', 'www/new', 'vol/', 'bin/busybox']),
    );
    expect(all.filter((name) => /^(vol\/.|bin\/wget|www\/index|proc\/.|dev\/null)/.test(name))).toEqual([]);
    const file = join(engine.host.dir, 'all.tar');
    await succeed(
      engine.host.run(['sh', '-c', `cd ${engine.host.dir} && ${BINARY} export -o all.tar changed`]),
    );
    expect(await listed(`cat ${file}`)).toEqual(all);
    await ok('stop', '-t', '0', 'changed');
    expect(await listed(`${BINARY} export changed`)).toEqual(all);
    await ok('start', 'changed');
  });

  test('refused: nobody, a directory that is not there', async () => {
    expect((await minidock('export', 'nobody')).stderr).toContain('No such container: nobody');
    const missing = await minidock('export', '-o', join(engine.host.dir, 'no/x'), 'changed');
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain('failed to export container: invalid output path: directory');
  });
});

describe('commit', () => {
  test('what was made, changed and removed; settings, changes, author, message', async () => {
    const changes = ['ENV X=y', 'CMD ["cat","/made"]', 'LABEL a=b', 'USER 3:4'].flatMap((text) => [
      '-c',
      text,
    ]);
    const id = await ok('commit', '-a', 'me', '-m', 'why', ...changes, 'changed', 'made:1');
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await ok('run', '--rm', 'made:1')).toBe('made');
    const look =
      'stat -c "%a %u:%g %h" /made; readlink /link; readlink /out; ls /www /vol; ls /bin/wget /bin/vi 2>&1 | wc -l; echo $A $X; ' +
      'stat -c %F /pipe; du -k /sparse | cut -f1; cat /odd*';
    const seen = (await ok('run', '--rm', '--user', '0', 'made:1', 'sh', '-c', look)).split('\n');
    expect(seen.filter((line) => line !== '')).toEqual([
      ...['4750 3:4 2', '/made', '/etc/shadow', '/vol:', '/www:', 'new', '2', 'b y', 'fifo'],
      expect.stringMatching(/^[0-9]+$/),
      'odd',
    ]);
    const [image] = JSON.parse(await ok('inspect', 'made:1')) as [Record<string, unknown>];
    expect(image).toMatchObject({
      Author: 'me',
      Comment: 'why',
      Config: { User: '3:4', Labels: { a: 'b' } },
    });
    const lines = await ok('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}', 'made:1');
    expect(lines.endsWith('|why') || lines.includes('|why\n')).toBe(true);
    expect(await state()).toBe('running');
  });

  test('nothing of what minidock mounts; a container without changes adds no layer', async () => {
    await ok('create', '--name', 'same', 'test', 'true');
    await ok('commit', 'same', 'same:1');
    const layers = '{{len .RootFS.Layers}}';
    expect(await ok('inspect', '-f', layers, 'same:1')).toBe(await ok('inspect', '-f', layers, 'test'));
    const { stdout } = await minidock('run', '--rm', '--read-only', 'made:1', 'ls', '/dev', '/etc');
    expect(stdout).not.toContain('.wh.');
  });

  test('a commit that fails leaves the container running, and no image', async () => {
    const wrong = await minidock('commit', '-c', 'RUN x', 'changed', 'bad:1');
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('RUN is not a valid change command');
    const named = await minidock('commit', 'changed', 'Upper');
    expect(named.stderr).toContain('must be lowercase');
    expect(await state()).toBe('running');
    expect(await ok('images', '-q', 'bad')).toBe('');
    expect((await minidock('commit', 'nobody')).stderr).toContain('No such container: nobody');
  });

  test('--pause=false, and of a paused container, which stays paused', async () => {
    await ok('commit', '--pause=false', 'changed', 'made:2');
    await ok('pause', 'changed');
    await ok('commit', 'changed', 'made:3');
    expect(await state()).toBe('paused');
    await ok('unpause', 'changed');
  });
});

test('a container that swaps names meanwhile packs nothing of the host', async () => {
  const secret = join(engine.host.dir, 'secret');
  await succeed(engine.host.run(['sh', '-c', `mkdir ${secret}; echo hidden >${secret}/hidden`]));
  const swap = `mkdir -p /swap/a; while :; do mv /swap/a /swap/b; ln -s ${secret} /swap/a; rm /swap/a; mv /swap/b /swap/a; done`;
  await ok('exec', '-d', 'changed', 'sh', '-c', swap);
  for (let round = 0; round < 10; round++) {
    expect((await listed(`${BINARY} export changed`)).filter((name) => name.includes('hidden'))).toEqual([]);
  }
  await ok('commit', '--pause=false', 'changed', 'swapped');
  expect((await minidock('run', '--rm', 'swapped', 'find', '/swap', '-name', 'hidden')).stdout).toBe('');
  expect(existsSync(secret) && readFileSync(join(secret, 'hidden'), 'utf8')).toBe('hidden\n');
});
