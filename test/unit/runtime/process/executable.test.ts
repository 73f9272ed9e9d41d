import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFailed, findExecutable } from '../../../../runtime/process/executable.ts';
import { withHome } from '../../../../runtime/process/perform.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'executable-'));
  for (const name of ['first', 'second']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'first/plain'), '', { mode: 0o644 });
  writeFileSync(join(dir, 'second/plain'), '', { mode: 0o755 });
  mkdirSync(join(dir, 'first/dir'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const env = (): string[] => [`PATH=${dir}/first:${dir}/second:`];

test('the first executable file in PATH is taken, others passed over', () => {
  expect(findExecutable('plain', env())).toBe(`${dir}/second/plain`);
});

test('the last PATH counts, as execve(2)’s environment is read', () => {
  expect(findExecutable('plain', ['PATH=/nope', ...env()])).toBe(`${dir}/second/plain`);
});

test('an empty element of PATH is not the current directory', () => {
  const before = process.cwd();
  process.chdir(join(dir, 'second'));
  try {
    expect(() => findExecutable('plain', ['PATH=:/nope:'])).toThrow('executable file not found in $PATH');
  } finally {
    process.chdir(before);
  }
});

test.each([
  ['nothing', 127, 'exec: "nothing": executable file not found in $PATH'],
  ['dir', 127, 'exec: "dir": executable file not found in $PATH'],
])('%s: %i', (name, exitCode, message) => {
  expect(() => findExecutable(name, env())).toThrow(expect.objectContaining({ exitCode, message }));
});

test('a path is taken as it is, and its trouble named', () => {
  expect(findExecutable(`${dir}/second/plain`, [])).toBe(`${dir}/second/plain`);
  expect(() => findExecutable(`${dir}/first/dir`, [])).toThrow(
    expect.objectContaining({ exitCode: 126, message: `exec: "${dir}/first/dir": is a directory` }),
  );
  expect(() => findExecutable('/nope/x', [])).toThrow(
    expect.objectContaining({
      exitCode: 127,
      message: 'exec: "/nope/x": stat /nope/x: no such file or directory',
    }),
  );
});

test('what execve itself refuses keeps the shell’s exit codes', () => {
  expect(execFailed('/x', 'ENOEXEC', 'exec format error')).toMatchObject({
    exitCode: 126,
    message: 'exec /x: exec format error',
  });
  expect(execFailed('/x', 'ENOENT', 'no such file or directory')).toMatchObject({ exitCode: 127 });
});

test('HOME comes from the user unless it is set', () => {
  const user = { uid: 1, gid: 1, groups: [1], home: '/home/app' };
  expect(withHome(['A=b'], user)).toEqual(['A=b', 'HOME=/home/app']);
  expect(withHome(['HOME=/x'], user)).toEqual(['HOME=/x']);
  expect(withHome(['HOME='], user)).toEqual(['HOME=/home/app']);
  expect(withHome([], undefined)).toEqual(['HOME=/']);
});
