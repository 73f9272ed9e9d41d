/** `lab break`: the same seed is the same network, each fault comes up, and points are lost by time and hints. */
import { describe, expect, test } from '@jest/globals';
import { brokenNetwork, seedOf } from '../../../../../src/teach/lab/break/break-it.ts';
import { FAULTS } from '../../../../../src/teach/lab/break/faults.ts';
import { pointsFor, scoreText } from '../../../../../src/teach/lab/break/score.ts';
import { findLesson } from '../../../../../src/teach/lab/lessons/index.ts';

describe('a broken network', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(brokenNetwork(7).setup).toEqual(brokenNetwork(7).setup);
    expect(brokenNetwork(7).setup).not.toEqual(brokenNetwork(8).setup);
  });

  test('has each of the faults for some seed', () => {
    const repairs = Array.from({ length: 300 }, (_, seed) => brokenNetwork(seed).steps[0].solution[0].why);
    expect(new Set(repairs.map((why) => why.replace(/[\d.]+/g, ''))).size).toBe(FAULTS.length);
  });

  test('does not tell its fault before the last hint', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { title, story, steps } = brokenNetwork(seed);
      const [step] = steps;
      const told = [title, story, step.task, ...step.hints].join('\n');
      expect(told).not.toContain(step.solution[0].command);
      expect(step.solution[0].command).not.toContain('PUBLISH');
    }
  });
});

test.each(['break-', 'break-01', 'break--1', 'break-1000000', 'break-1e3', 'cable'])(
  '%s is no seed',
  (name) => {
    expect(seedOf(name)).toBeUndefined();
  },
);

test('a lab is found by its seed', () => {
  expect(findLesson('break-42')?.title).toContain('42');
});

test.each([
  [{ seconds: 59, hints: 0, shown: false }, 100],
  [{ seconds: 61, hints: 0, shown: false }, 99],
  [{ seconds: 60, hints: 2, shown: false }, 80],
  [{ seconds: 99_999, hints: 3, shown: false }, 10],
  [{ seconds: 1, hints: 0, shown: true }, 0],
])('%j are %i points', (effort, points) => {
  expect(pointsFor(effort)).toBe(points);
});

test('the score says what it is made of', () => {
  const state = { step: 1, hints: 0, began: 1000, ended: 126_000, used: 1 };
  expect(scoreText('break-5', state)).toBe('Score: 83 of 100 (2 min 5 s, 1 hint)');
  expect(scoreText('cable', state)).toBeUndefined();
  expect(scoreText('break-5', { step: 0, hints: 0, began: 1000 })).toBeUndefined();
});
