/** `images` with its filters and as a tree, `rmi` and `image prune`, by what is there afterwards. */
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;

describe('images --tree', () => {
  test('each image with its names, its platform and who uses it', async () => {
    await ok('tag', 'test', 'other/name:v1');
    await ok('create', '--name', 'user', 'configured', 'true');
    const text = await ok('images', '--tree');
    const [head, ...lines] = text.split('\n');
    expect(head).toMatch(/^IMAGE +ID {13}DISK USAGE {3}CONTENT SIZE {3}USED$/);
    expect(lines).toContain('test:latest');
    expect(lines.filter((line) => line.startsWith('└─ linux/'))).toHaveLength(2);
    expect(lines.find((line) => line.startsWith('configured:latest'))).toMatch(/B {3,}[\d.]+[kM]B {4}✔$/);
    expect(lines.find((line) => line.startsWith('other/name:v1'))).toMatch(
      /^other\/name:v1 +[0-9a-f]{12} +\S+B +\S+B$/,
    );
    expect(await ok('images', '--tree', '-f', 'reference=other/*')).not.toContain('configured');
    await ok('rmi', 'other/name:v1');
  });

  test.each([
    ['-q', '--quiet'],
    ['--no-trunc', '--no-trunc'],
    ['--digests', '--show-digest'],
    ['--format=x', '--format'],
  ])('refused beside %s', async (flag, word) => {
    const { exitCode, stderr } = await minidock('images', '--tree', flag);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${word} is not yet supported with --tree`);
  });
});

test('images: a name that is none in a filter', async () => {
  const { exitCode, stderr } = await minidock('images', '-f', 'before=A b');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('invalid reference format');
});
