import { expect, test } from '@jest/globals';
import { readProgram } from '../../../../runtime/plan/read-program.ts';

test('both streams, without their last newline, and the status', async () => {
  expect(await readProgram(['sh', '-c', 'echo a; echo; echo b >&2; exit 3'])).toEqual({
    exitCode: 3,
    stdout: 'a\n',
    stderr: 'b',
  });
});

test('what it reads from its standard input, and the locale it has', async () => {
  expect((await readProgram(['cat'], { input: 'one\ntwo\n' })).stdout).toBe('one\ntwo');
  expect((await readProgram(['sh', '-c', 'cat; echo $LC_ALL'])).stdout).toBe('C');
  const forPeople = await readProgram(['sh', '-c', 'echo $LC_ALL'], { locale: 'C.UTF-8' });
  expect(forPeople.stdout).toBe('C.UTF-8');
});

test('a letter of two bytes on the border between two reads', async () => {
  const { stdout } = await readProgram(['perl', '-e', 'print "x", "\\xc3\\xa9" x 200000']);
  expect([stdout.length, stdout.includes('\uFFFD')]).toEqual([200_001, false]);
});

test('no program of that name is an answer too', async () => {
  expect((await readProgram(['no-such-program-here'])).exitCode).toBeUndefined();
});
