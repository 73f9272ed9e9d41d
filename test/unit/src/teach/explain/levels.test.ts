/** The levels of --explain: repetitions share a line, a chapter is a paragraph, what fails is printed in full. */
import { expect, test } from '@jest/globals';
import type { Step } from '../../../../../runtime/plan/step.ts';
import { createExplainer, renderDryRun } from '../../../../../src/teach/explain/explain.ts';

const step = (id: string, title: string, why: string): Step => ({
  id,
  section: 'cgroup',
  title,
  why,
  without: 'nothing is limited',
  command: { kind: 'run', argv: ['mkdir', id] },
  undo: { kind: 'none', why: 'it serves all' },
});
const steps = [
  step('cgroup.create:cpu', 'Make cpu', 'It counts.'),
  step('cgroup.create:cpuacct', 'Make cpuacct', 'It counts.'),
  step('cgroup.create:cpuset', 'Make cpuset', 'It counts.'),
  step('cgroup.limit:cpuset', 'Limit cpuset', 'It limits.'),
];

test('steps: those that repeat another one share a line', () => {
  const text = renderDryRun(steps, { how: 'steps' });
  expect(text).toContain('[1/4] Make cpu');
  expect(text).toContain('[2-3/4] the same for cpuacct, cpuset\n');
  expect(text).toContain('[4/4] Limit cpuset');
  expect(text).toContain('Why:     It limits.');
  expect(text).not.toMatch(/Without:|Undo:|\[2\/4\]/);
});

test('steps: a repetition at the end is not lost', () => {
  expect(renderDryRun(steps.slice(0, 2), { how: 'steps' })).toContain('[2/2] the same for cpuacct\n');
});

test('chapters: a paragraph of titles, the number of steps and their time', () => {
  expect(renderDryRun(steps, { how: 'chapters' })).toBe(
    '\n1. Limit what it may use\n   Make cpu; Limit cpuset.\n   4 steps\n',
  );
  const explainer = createExplainer({ how: 'chapters' });
  const text = steps
    .map((one, i) => explainer.stepStarted(one, i + 1, 4) + explainer.stepDone(one, 1.5, 'done'))
    .join('');
  expect(text).toContain('4 steps in 6.0 ms\n');
});

test.each(['chapters', 'steps'] as const)('%s: a step that fails is printed in full', (how) => {
  const explainer = createExplainer({ how });
  const [first, second] = steps as [Step, Step];
  explainer.stepStarted(first, 1, 4);
  explainer.stepDone(first, 1, 'done');
  explainer.stepStarted(second, 2, 4);
  const text = explainer.stepDone(second, 1, 'failed');
  expect(text).toContain('[2/4] Make cpuacct');
  expect(text).toContain('Without: nothing is limited');
  expect(text).toContain('failed after 1.0 ms');
});
