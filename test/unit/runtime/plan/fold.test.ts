import { describe, expect, test } from '@jest/globals';
import { failingStep, foldSteps } from '../../../../runtime/plan/fold.ts';
import type { HostStep } from '../../../../runtime/plan/step.ts';

function step(
  id: string,
  argv: readonly [string, ...string[]],
  more: Partial<HostStep> & { input?: string } = {},
): HostStep {
  const { input, ...rest } = more;
  return {
    id,
    section: 'bridge',
    title: id,
    without: '',
    why: 'For the test.',
    command: { kind: 'run', argv, ...(input === undefined ? {} : { input }) },
    undo: { kind: 'shared', why: 'Nobody.' },
    ...rest,
  };
}
const grouped = (...steps: readonly HostStep[]): readonly (readonly string[])[] =>
  foldSteps(steps).map((group) => group.steps.map(({ id }) => id));

describe('what folds', () => {
  test('neighbouring ip commands, in one batch, without the program’s name', () => {
    const [group] = foldSteps([
      step('a', ['ip', 'link', 'add', 'x', 'type', 'bridge']),
      step('b', ['ip', 'link', 'set', 'x', 'up']),
    ]);
    expect(group?.batch).toEqual({
      argv: ['ip', '-batch', '-'],
      input: 'link add x type bridge\nlink set x up\n',
      linesPerStep: [1, 1],
    });
  });

  test('those of one namespace, apart from those of another and of the host', () => {
    const steps = [
      step('host', ['ip', 'link', 'show']),
      step('one', ['ip', '-n', 'md-1', 'link', 'show']),
      step('one too', ['ip', '-n', 'md-1', 'address', 'show']),
      step('two', ['ip', '-n', 'md-2', 'link', 'show']),
    ];
    expect(grouped(...steps)).toEqual([['host'], ['one', 'one too'], ['two']]);
    expect(foldSteps(steps)[1]?.batch).toMatchObject({
      argv: ['ip', '-n', 'md-1', '-batch', '-'],
      input: 'link show\naddress show\n',
    });
  });

  test('nft scripts and nft commands, in one transaction', () => {
    const [group] = foldSteps([
      step('script', ['nft', '-f', '-'], { input: 'table ip t {\n}\n' }),
      step('command', ['nft', 'add', 'element', 'ip', 't', 's', '{ 1 }']),
    ]);
    expect(group?.batch).toEqual({
      argv: ['nft', '-f', '-'],
      input: 'table ip t {\n}\nadd element ip t s { 1 }\n',
      linesPerStep: [2, 1],
    });
  });
});

test('kernel files fold without a batch: each is written by itself', () => {
  const file = (id: string, kind: 'write' | 'mkdir'): HostStep => ({
    ...step(id, ['true']),
    command: kind === 'write' ? { kind, path: '/x', text: '1' } : { kind, path: '/x', mode: 0o755 },
  });
  const steps = [file('group', 'mkdir'), file('limit', 'write'), step('ip', ['ip', 'link', 'show'])];
  expect(grouped(...steps)).toEqual([['group', 'limit'], ['ip']]);
  expect(foldSteps(steps)[0]?.batch).toBeUndefined();
});

describe('what does not', () => {
  test('a step with a check, another program, a write, or one that is not a neighbour', () => {
    const check = { kind: 'path-exists', path: '/x' } as const;
    expect(
      grouped(
        step('a', ['ip', 'link', 'show']),
        step('checked', ['ip', 'link', 'show'], { check }),
        step('b', ['ip', 'link', 'show']),
        { ...step('write', ['true']), command: { kind: 'write', path: '/x', text: '1' } },
        step('c', ['ip', 'link', 'show']),
        step('iptables', ['iptables', '-L']),
        step('iptables too', ['iptables', '-L']),
      ),
    ).toEqual([['a'], ['checked'], ['b'], ['write'], ['c'], ['iptables'], ['iptables too']]);
  });

  test('a single step stays what it was', () => {
    expect(foldSteps([step('a', ['ip', 'link', 'show'])])[0]?.batch).toBeUndefined();
    expect(foldSteps([])).toEqual([]);
  });
});

describe('which step failed', () => {
  const [ip] = foldSteps([step('a', ['ip', 'x']), step('b', ['ip', 'y']), step('c', ['ip', 'z'])]);
  const [nft] = foldSteps([
    step('script', ['nft', '-f', '-'], { input: 'one\ntwo\nthree\n' }),
    step('command', ['nft', 'add', 'x']),
  ]);

  test.each([
    ['Command failed -:2', 'b'],
    ['Cannot find device "eth9"\nCommand failed -:3\n', 'c'],
    ['something else', undefined],
    ['Command failed -:9', undefined],
  ])('ip: %j', (words, id) => {
    expect(failingStep(ip as NonNullable<typeof ip>, words)?.id).toBe(id);
  });

  test.each([
    ['/dev/stdin:3:1-5: Error: syntax error', 'script'],
    ['-:4:1-20: Error: No such file or directory', 'command'],
  ])('nft: %j', (words, id) => {
    expect(failingStep(nft as NonNullable<typeof nft>, words)?.id).toBe(id);
  });
});
