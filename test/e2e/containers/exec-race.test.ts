/** `exec` while the container ends: it ran, or the container is not running; no words of those who bring it in. */
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;

test('exec racing with kill says one of two things', async () => {
  const id = await ok('create', '--name', 'racer', 'test', 'sleep', '1000');
  const said = new Set<string>();
  for (let round = 0; round < 25; round += 1) {
    await ok('start', 'racer');
    const execs = [1, 2, 3].map(() => minidock('exec', 'racer', 'true'));
    await new Promise((resolve) => setTimeout(resolve, round * 2));
    await minidock('kill', 'racer');
    for (const { exitCode, stderr } of await Promise.all(execs)) said.add(`${String(exitCode)} ${stderr}`);
  }
  const notRunning = `1 minidock: container ${id} is not running\nStart it first: minidock start racer\n`;
  // 137: the program had begun, and the kernel ended it with its container.
  expect([...said].filter((words) => !['0 ', '137 ', notRunning].includes(words))).toEqual([]);
  expect(said).toContain(notRunning);
}, 60_000);

test('a network of a container that does not run can be removed; start then names it and says what to do', async () => {
  await ok('network', 'create', 'gone');
  await ok('create', '--name', 'left', '--network', 'gone', 'test', 'true');
  expect(await ok('network', 'rm', 'gone')).toBe('gone');
  const { exitCode, stderr } = await minidock('start', 'left');
  expect([exitCode, stderr]).toEqual([
    1,
    'minidock: network gone not found\nMake it again (minidock network create gone), or remove the container and run it in another one.\n',
  ]);
});
