import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { resolvePaths } from '../../../../../src/engine/state/paths.ts';

describe('where everything is', () => {
  const { MINIDOCK_ROOT, MINIDOCK_RUN } = process.env;
  beforeEach(() => {
    delete process.env['MINIDOCK_ROOT'];
    delete process.env['MINIDOCK_RUN'];
  });
  afterEach(() => {
    Object.assign(process.env, { MINIDOCK_ROOT, MINIDOCK_RUN });
    if (MINIDOCK_ROOT === undefined) delete process.env['MINIDOCK_ROOT'];
    if (MINIDOCK_RUN === undefined) delete process.env['MINIDOCK_RUN'];
  });

  test('flags before the environment before the defaults', () => {
    expect(resolvePaths({})).toEqual({ root: '/var/lib/minidock', run: '/run/minidock' });
    process.env['MINIDOCK_ROOT'] = '/env/root';
    process.env['MINIDOCK_RUN'] = '/env/run';
    expect(resolvePaths({})).toEqual({ root: '/env/root', run: '/env/run' });
    process.env['MINIDOCK_RUN'] = '';
    expect(resolvePaths({ root: '' })).toEqual({ root: '/env/root', run: '/run/minidock' });
    process.env['MINIDOCK_RUN'] = '/env/run';
    expect(resolvePaths({ root: '/flag/root' })).toEqual({ root: '/flag/root', run: '/env/run' });
  });

  test('relative to the working directory of the command, not of the shim', () => {
    expect(resolvePaths({ root: 'a', run: './b/../c' })).toEqual({
      root: `${process.cwd()}/a`,
      run: `${process.cwd()}/c`,
    });
  });

  test.each(['/a:b', '/a,b', '/a\\b'])('%s cannot be said to overlayfs', (root) => {
    expect(() => resolvePaths({ root })).toThrow(`cannot keep containers in ${root}: overlayfs takes`);
    expect(resolvePaths({ run: root }).run).toBe(root);
  });
});
