/** `--step --explain=json`: a program goes forward and back through the steps; the kernel follows. */
import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');

interface Event {
  readonly event: string;
  readonly id?: string;
  readonly steps?: readonly { readonly id: string; readonly n: number; readonly of: number }[];
  readonly undone?: readonly string[];
  readonly again?: readonly string[];
}

/** Its events, and its exit status. */
async function walk(words: readonly string[]): Promise<{ events: readonly Event[]; status: number }> {
  const argv = [
    MINIDOCK,
    'run',
    '-d',
    '--name',
    'walked',
    '--step',
    '--explain=json',
    'test',
    'sleep',
    '1000',
  ];
  const { stderr, exitCode } = await engine.host.run(argv, {
    input: words.map((word) => `${word}\n`).join(''),
  });
  const events = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event);
  return { events, status: exitCode };
}

const paused = (events: readonly Event[]): readonly (string | undefined)[] =>
  events.filter(({ event }) => event === 'paused').map(({ id }) => id);

test('the plan comes first; back undoes one step, and quit the rest', async () => {
  const { events, status } = await walk(['go', 'go', 'go', 'back', 'go', 'quit']);
  const [plan] = events;
  const ids = plan?.steps?.map(({ id }) => id) ?? [];
  expect(ids.length).toBeGreaterThan(50);
  expect(paused(events)).toEqual([ids[0], ids[1], ids[2], ids[3], ids[2], ids[3]]);
  expect(events.filter(({ undone }) => undone !== undefined)).toHaveLength(1);
  expect(status).toBe(130);
  await engine.expectClean();
});

test('a step that goes away with an earlier one is undone with it, and those between are done again', async () => {
  const forward = Array.from({ length: 9 }, () => 'go');
  const { events } = await walk([...forward, 'back', 'back', 'quit']);
  const backs = events.filter(({ undone }) => undone !== undefined);
  const ids = events[0]?.steps?.map(({ id }) => id) ?? [];
  expect(backs.map(({ id }) => id)).toEqual([ids[8], ids[7]]);
  expect(backs.some(({ again = [] }) => again.length > 0)).toBe(true);
  await engine.expectClean();
});

test('after back and run-on the container runs as any other', async () => {
  const { status } = await walk(['go', 'go', 'go', 'go', 'go', 'back', 'back', 'run-on']);
  expect(status).toBe(0);
  expect(await engine.ok('exec', 'walked', 'cat', '/proc/1/comm')).toBe('sleep');
  await engine.ok('rm', '-f', 'walked');
  await engine.expectClean();
});

test('the end of the input is quit; an unknown word is answered', async () => {
  const { events, status } = await walk(['go', 'jump']);
  expect(events.some(({ event }) => event === 'error')).toBe(true);
  expect(status).toBe(130);
  await engine.expectClean();
});
