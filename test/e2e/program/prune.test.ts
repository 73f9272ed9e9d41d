/** `prune` of each kind and `system df`: what Docker 26.1 printed for the same commands. */
import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** With a line for the question. */
const answering = async (answer: string, ...args: readonly string[]): Promise<string> => {
  const words = [binary, ...args].map((word) => `'${word}'`).join(' ');
  return (await succeed(engine.host.run(['sh', '-c', `printf '${answer}' | ${words}`]))).stdout;
};

const CONTAINERS =
  'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ';

describe('container prune', () => {
  test('asks, and removes what does not run', async () => {
    await ok('run', '-d', '--name', 'runs', 'test', 'sleep', '1000');
    const id = await ok('create', '--name', 'still', 'test');
    for (const answer of ['', 'n\\n', 'yes\\n'])
      expect(await answering(answer, 'container', 'prune')).toBe(CONTAINERS);
    expect(await answering('y\\n', 'container', 'prune')).toBe(
      `${CONTAINERS}Deleted Containers:\n${id}\n\nTotal reclaimed space: 0B\n`,
    );
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('runs');
    expect(await ok('container', 'prune', '-f')).toBe('Total reclaimed space: 0B');
  });

  test('by filter, and with the bytes it gives back', async () => {
    await ok('run', '--name', 'one', '--label', 'a=b', 'test', 'sh', '-c', 'head -c 1000 /dev/zero >/file');
    await ok('create', '--name', 'two', '--label', 'a=c', 'test');
    expect(await ok('container', 'prune', '-f', '--filter', 'until=1h')).toBe('Total reclaimed space: 0B');
    expect(await ok('container', 'prune', '-f', '--filter', 'label=a', '--filter', 'label!=a=c')).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 1kB$/,
    );
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('two');
  });
});

test('volume prune takes the anonymous ones that nothing uses, and with -a the others', async () => {
  await ok('run', '-v', '/anonymous', '-v', 'named:/x', '--name', 'once', 'test', 'true');
  expect(await ok('volume', 'prune', '-af')).toBe('Total reclaimed space: 0B');
  await ok('rm', 'once');
  const [anonymous] = (await ok('volume', 'ls', '-q')).split('\n').filter((name) => name !== 'named');
  expect(await ok('volume', 'prune', '-f')).toBe(
    `Deleted Volumes:\n${anonymous ?? ''}\n\nTotal reclaimed space: 0B`,
  );
  expect(await ok('volume', 'prune', '-f', '--filter', 'all=1')).toBe(
    'Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B',
  );
});

test('network prune takes those without a container', async () => {
  await ok('network', 'create', 'used');
  await ok('network', 'create', 'unused');
  await ok('run', '-d', '--name', 'in', '--network', 'used', 'test', 'sleep', '1000');
  expect(await ok('network', 'prune', '-f')).toBe('Deleted Networks:\nunused\n');
  await ok('rm', '-f', 'in');
  await ok('network', 'rm', 'used');
});

test('image prune', async () => {
  await ok('create', '--name', 'user', 'test');
  await ok('tag', 'configured', 'other');
  expect(await ok('image', 'prune', '-f')).toBe('Total reclaimed space: 0B');
  expect(await answering('n\\n', 'image', 'prune', '-a')).toBe(
    'WARNING! This will remove all images without at least one container associated to them.\nAre you sure you want to continue? [y/N] ',
  );
  expect(await ok('image', 'prune', '-af', '--filter', 'label=nosuch')).toBe('Total reclaimed space: 0B');
  expect(await ok('images', '-q')).not.toBe('');
  expect(await ok('image', 'prune', '-af', '--filter', 'label=maker=test')).toMatch(
    /^Deleted Images:\nuntagged: configured:latest\n(untagged: .*\n)*deleted: sha256:[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/,
  );
  expect(await ok('images', '--format', '{{.Repository}}')).toBe('test');
});

describe('system', () => {
  test('prune asks for everything at once', async () => {
    expect(await answering('n\\n', 'system', 'prune', '-a', '--volumes')).toBe(
      `WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all anonymous volumes not used by at least one container
  - all images without at least one container associated to them
  - all build cache

Are you sure you want to continue? [y/N] `,
    );
    expect(await answering('n\\n', 'system', 'prune', '--filter', 'label=x')).toContain(
      '  - unused build cache\n\n  Items to be pruned will be filtered with:\n  - label=x\n\nAre you sure',
    );
    const id = await ok('create', '-v', '/anonymous', '--name', 'still', 'test');
    expect(await ok('system', 'prune', '-f')).toBe(`Deleted Containers:\n${id}\n\nTotal reclaimed space: 0B`);
    expect(await ok('system', 'prune', '-f', '--volumes')).toMatch(
      /^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal/,
    );
    const { stderr, exitCode } = await minidock('system', 'prune', '-f', '--volumes', '--filter', 'until=1h');
    expect(stderr).toContain('The "until" filter is not supported with "--volumes"');
    expect(exitCode).toBe(1);
  });

  test('df, as a table, in detail and by template', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'runs',
      '-v',
      'vol1:/x',
      'test',
      'sh',
      '-c',
      'head -c 101 /dev/zero >/f; sleep 100',
    );
    await ok('create', '--name', 'still', 'test', 'sleep', '1');
    await engine.host.waitFor(
      async () => (await ok('system', 'df', '--format', '{{.Size}}')).includes('101B'),
      'the file to be written',
    );
    const lines = (await ok('system', 'df')).split('\n').map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE']);
    expect(lines.slice(2)).toEqual([
      ['Containers', '2', '1', '101B', '0B (0%)'],
      ['Local Volumes', '1', '1', '0B', '0B'],
      ['Build Cache', '0', '0', '0B', '0B'],
    ]);
    const detail = await ok('system', 'df', '-v');
    expect(detail).toContain('Images space usage:\n\nREPOSITORY');
    expect(detail).toMatch(/^[0-9a-f]{12} +test +"sleep 1" +0 +0B +\S.* ago +Created +still$/m);
    expect(detail).toMatch(/^vol1 +1 +0B$/m);
    expect(detail).toContain('Build cache usage: 0B\n\nCACHE ID');
    expect(await ok('system', 'df', '-v', '--format', '{{range .Volumes}}{{.Name}} {{.Links}}{{end}}')).toBe(
      'vol1 1',
    );
    await ok('rm', '-f', 'runs');
    await ok('volume', 'rm', 'vol1');
  });
});

test.each([
  [['container', 'prune', '-f', '--filter', 'nosuch=x'], "invalid filter 'nosuch'"],
  [['volume', 'prune', '-f', '--filter', 'until=1h'], "invalid filter 'until'"],
  [['image', 'prune', '-f', '--filter', 'dangling=perhaps'], "invalid filter 'dangling=[perhaps]'"],
])('%j is refused', async (args, words) => {
  const { stderr, exitCode } = await minidock(...args);
  expect(stderr).toContain(words);
  expect(exitCode).toBe(1);
});
