/** The layout of `images --tree`: that of Docker's CLI 27, whose columns do not move with what is in them. */
import { expect, test } from '@jest/globals';
import { imageTree, type ImageNode } from '../../../../src/ui/image-tree.ts';

const node = (more: Partial<ImageNode>): ImageNode => ({
  ...{ names: ['nginx:1'], id: `sha256:${'a'.repeat(64)}`, manifest: `sha256:${'b'.repeat(64)}` },
  ...{ platform: 'linux/amd64', content: 12_345_678, usage: 56_789_012, used: false },
  ...more,
});

test('names above each other, platforms below, an empty line between images', () => {
  const images = [node({ names: ['a', 'localhost:5000/team/web:v2'], used: true }), node({ names: [] })];
  expect(imageTree(images, undefined)).toBe(
    [
      'IMAGE                        ID             DISK USAGE   CONTENT SIZE   USED',
      'a',
      'localhost:5000/team/web:v2   aaaaaaaaaaaa       56.8MB         12.3MB    ✔',
      '└─ linux/amd64               bbbbbbbbbbbb       56.8MB         12.3MB    ✔',
      '',
      '<untagged>                   aaaaaaaaaaaa       56.8MB         12.3MB',
      '└─ linux/amd64               bbbbbbbbbbbb       56.8MB         12.3MB',
      '',
    ].join('\n'),
  );
});

test('without images; in a narrow terminal; a platform with control characters', () => {
  expect(imageTree([], undefined)).toBe('IMAGE   ID             DISK USAGE   CONTENT SIZE   USED\n');
  const narrow = imageTree([node({ names: [`${'x'.repeat(60)}:1`] })], 80).split('\n');
  expect(narrow[1]).toBe(`${'x'.repeat(27)}...   aaaaaaaaaaaa       56.8MB         12.3MB`);
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(imageTree([node({ platform: 'li\x1b[2Jnux/x' })], undefined)).toContain('└─ li\\x1b[2Jnux/x ');
});
