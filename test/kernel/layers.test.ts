/**
 * Nine hundred layers and archives, each unpacked as Docker unpacks it: modes, owners, times, attributes, contents,
 * links, or a refusal. Docker's answers were recorded by test/docker/layers.test.ts, which also compares with Docker
 * itself; where minidock means to differ, intended.ts has the reason and a second file the answer.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { allCases } from '../support/layers/all-cases.ts';
import { askMinidock, recordAnswers, recordedAnswers, type Answers } from '../support/layers/answers.ts';
import { intended } from '../support/layers/intended.ts';

/** In memory, since each of the stores waits for its disk otherwise; before Linux 6.6 tmpfs takes no `user.*`. */
function place(): string {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const inMemory = existsSync('/dev/shm') && major * 100 + minor >= 606;
  return mkdtempSync(join(inMemory ? '/dev/shm' : '/var/tmp', 'minidock-layers-'));
}

const dir = place();
const docker = recordedAnswers('docker');
let ours: Answers;
beforeAll(async () => {
  ours = await askMinidock(allCases, dir);
}, 120_000);
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

const differing = (): string[] =>
  allCases
    .map(({ name }) => name)
    .filter((name) => JSON.stringify(ours.get(name)) !== JSON.stringify(docker.get(name)));

test('each case has a name of its own, and an answer of Docker’s', () => {
  expect([...docker.keys()].sort()).toEqual(allCases.map(({ name }) => name).sort());
});

test('what differs from Docker does so for a reason', () => {
  const unintended = differing().filter((name) => !intended.some(({ cases }) => cases.test(name)));
  expect(unintended.map((name) => ({ name, ours: ours.get(name), docker: docker.get(name) }))).toEqual([]);
});

test('each reason is needed', () => {
  const needless = intended.filter(({ cases }) => !differing().some((name) => cases.test(name)));
  expect(needless).toEqual([]);
});

test('where minidock differs, it does what is recorded', () => {
  const answers = new Map(differing().map((name) => [name, ours.get(name) ?? 'refused']));
  if (process.env['UPDATE_GOLDEN'] !== undefined) recordAnswers('minidock', answers);
  expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(recordedAnswers('minidock')));
});
