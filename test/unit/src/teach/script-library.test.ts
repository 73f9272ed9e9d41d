/** The bash library of a printed script: bash can read it, and tests load what the executable embeds. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import hostLibrary from '../../../../src/teach/script/host-library.sh' with { type: 'text' };

const folder = join(import.meta.dirname, '../../../../src/teach/script');
const files = readdirSync(folder).filter((name) => name.endsWith('.sh'));

test('there is a part for the host and one for the container', () => {
  expect(files).toEqual(['container-library.sh', 'host-library.sh']);
});

test('a test reads the text that the executable embeds', () => {
  expect(hostLibrary).toBe(readFileSync(join(folder, 'host-library.sh'), 'utf8'));
});

test.each(files)('%s is bash', (name) => {
  expect(spawnSync('bash', ['-n', join(folder, name)], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  });
});
