/**
 * Lessons gone at in other ways than their solution's: a wrong one does not pass, another right one does. The lessons'
 * own solutions are played by the test of the lab.
 */
import { afterAll, expect, test } from '@jest/globals';
import { allLessons } from '../../src/teach/lab/lessons/index.ts';
import { beyondWays } from '../support/beyond-ways.ts';
import { createHost, type TestHost } from '../support/host.ts';
import { waitFor } from '../support/processes.ts';
import { firstWays, puzzleWays } from '../support/puzzle-ways.ts';

// Not in beforeAll: tests that run side by side begin before it.
let host: Promise<TestHost> | undefined;
const theHost = (): Promise<TestHost> => (host ??= createHost());

afterAll(async () => {
  await (await host)?.dispose();
});

const lines = [...firstWays, ...puzzleWays, ...beyondWays].map((ways) => [ways.lesson, ways] as const);

test.concurrent.each(lines)(
  '%s: a wrong way does not pass, another right one does',
  async (name, { step, wrong, right }) => {
    const { minidock } = await theHost();
    const type = (line: string): ReturnType<typeof minidock> =>
      minidock('lab', 'enter', name, '--', 'sh', '-c', line);
    try {
      expect(await minidock('lab', 'start', name)).toMatchObject({ exitCode: 0 });
      await reach(name, step, minidock);
      for (const line of wrong) {
        await type(line);
        expect([line, (await minidock('lab', 'check', name)).exitCode]).toEqual([line, 1]);
      }
      const typed = await type(right);
      expect([typed.stderr, typed.exitCode]).toEqual(['', 0]);
      // What it started in the background takes a moment.
      await waitFor(async () => (await minidock('lab', 'check', name)).exitCode === 0, `${name} to pass`);
    } finally {
      await minidock('lab', 'end', name);
    }
  },
  120_000,
);

/** Has the steps before the one that is meant done by the lab itself. */
async function reach(name: string, step: string | undefined, minidock: TestHost['minidock']): Promise<void> {
  const steps = allLessons.find((lesson) => lesson.name === name)?.steps ?? [];
  const index = step === undefined ? steps.length - 1 : steps.findIndex(({ id }) => id === step);
  for (const before of steps.slice(0, index)) {
    expect([before.id, (await minidock('lab', 'next', name)).exitCode]).toEqual([before.id, 0]);
  }
}
