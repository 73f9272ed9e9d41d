/**
 * Mutation tests of the lessons' checks: at every step wrong answers that must not pass, next to right ones that must.
 * The lessons' own solutions are played by the test of the lab. Several labs are gone through side by side, since most
 * of the time is spent waiting for packets that do not come.
 */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Lesson } from '../../../src/teach/lab/lesson.ts';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { chosenLessons } from '../../support/lesson-ways/chosen.ts';
import { allWays } from '../../support/lesson-ways/index.ts';
import type { LessonWays, StepWays, Wrong } from '../../support/lesson-ways/ways.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const SIDE_BY_SIDE = 8;
const MOST_MS = 300_000;

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
});
afterAll(async () => {
  await host.dispose();
});

describe('a wrong answer does not pass, another right one does', () => {
  // Those that take longest come first.
  const effort = ({ name }: Lesson): number =>
    allWays
      .filter(({ lesson }) => lesson === name)
      .flatMap(({ steps }) => Object.values(steps))
      .reduce((count, { wrong }) => count + wrong.length, 0);
  const queue = [...chosenLessons].sort((one, other) => effort(other) - effort(one));
  const failures = new Map<string, Error>();
  beforeAll(async () => {
    const worker = async (): Promise<void> => {
      for (let lesson = queue.shift(); lesson !== undefined; lesson = queue.shift()) {
        try {
          // One after the other: of one lesson there is one lab at a time.
          for (const ways of allWays.filter(({ lesson: name }) => name === lesson?.name)) {
            await goThrough(lesson, ways);
          }
        } catch (error) {
          failures.set(lesson.name, error as Error);
        }
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  }, MOST_MS);

  test.each(chosenLessons.map(({ name }) => name))('%s', (name) => {
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
  });
});

async function goThrough({ name, steps }: Lesson, { steps: ways }: LessonWays): Promise<void> {
  try {
    const start = [MINIDOCK, 'lab', 'start', name, '--again'];
    expect(await host.run(start, { timeout: MOST_MS })).toMatchObject({ exitCode: 0 });
    for (const { id, title } of steps) await tryStep(name, id, title, ways[id] ?? { wrong: [] });
  } finally {
    await host.minidock('lab', 'end', name);
  }
}

/**
 * Takes the step's title, the right line ('' for the lesson's own), then by threes a wrong line, its undoing and words
 * of the one requirement that it misses, and prints what became of each. In one go, since entering a lab costs more than
 * what is typed there.
 */
const DRIVER = `
title=$1 right=$2; shift 2
minidock lab status | grep -qF -- "$title"; printf '%d\\0' $?
while [ $# -gt 0 ]; do
  bash -c "$1" 2>&1; printf '\\0%d\\0' $?
  # Where one is to be missed, what was started takes a moment to fulfil the others.
  for attempt in 1 2 3 4 5 6; do
    check=$(minidock lab check 2>&1); status=$?
    [ $status != 0 ] && [ "$3" != '' ] && [ "$(grep -c '^ *\\[ \\]' <<<"$check")" != 1 ] || break
    sleep 0.2
  done
  printf '%s\\0%d\\0' "$check" $status
  bash -c "\${2:-:}" 2>&1; printf '\\0%d\\0' $?
  shift 3
done
if [ "$right" = '' ]; then minidock lab next 2>&1; printf '\\0%d\\0' $?; exit; fi
bash -c "$right" 2>&1; printf '\\0%d\\0' $?
# What it started in the background takes a moment.
for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
  check=$(minidock lab check 2>&1); status=$?
  [ $status != 0 ] || break
  sleep 0.2
done
printf '%s\\0%d\\0' "$check" $status`;

async function tryStep(lesson: string, id: string, title: string, ways: StepWays): Promise<void> {
  const wrong = ways.wrong.map((way): Wrong => (typeof way === 'string' ? { type: way } : way));
  const lines = wrong.flatMap(({ type, undo = '', misses = '' }) => [type, undo, misses]);
  const words = ['bash', '-c', DRIVER, 'driver', title, ways.right ?? '', ...lines];
  const { stdout, stderr } = await host.run([MINIDOCK, 'lab', 'enter', lesson, '--', ...words], {
    timeout: MOST_MS,
  });
  expect([id, stderr]).toEqual([id, '']);
  const [reached, ...parts] = stdout.split('\0');
  // A right way that passes more than its own step would leave the wrong answers of the next one untried.
  expect([id, 'is the step to be done', reached]).toEqual([id, 'is the step to be done', '0']);
  const next = (): readonly [string, string] => [parts.shift() ?? '', parts.shift() ?? ''];
  for (const { type, undo = '', misses } of wrong) {
    const [typed, check, undone] = [next(), next(), next()];
    expect([id, type, ...told(typed)]).toEqual([id, type, '0']);
    expect([id, type, 'check', check[1]]).toEqual([id, type, 'check', '1']);
    if (misses !== undefined) {
      expect([id, type, missing(check[0])]).toEqual([id, type, [expect.stringContaining(misses)]]);
    }
    expect([id, undo, ...told(undone)]).toEqual([id, undo, '0']);
  }
  if (ways.right !== undefined) expect([id, ways.right, ...told(next())]).toEqual([id, ways.right, '0']);
  expect([id, ways.right, ...told(next())]).toEqual([id, ways.right, '0']);
}

/** The status, and the words where it is not 0. */
const told = ([words, status]: readonly [string, string]): readonly string[] =>
  status === '0' ? [status] : [status, words];

/** The requirements that were not fulfilled, each on one line. */
const missing = (check: string): readonly string[] =>
  [...check.matchAll(/^ *\[ \] (.*(?:\n {5,}\S.*)*)/gm)].map(([, text = '']) => text.replace(/\s+/g, ' '));
