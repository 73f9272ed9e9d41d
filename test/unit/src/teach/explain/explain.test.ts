import { describe, expect, test } from '@jest/globals';
import type { HostStep } from '../../../../../runtime/plan/step.ts';
import { createExplainer, renderDryRun } from '../../../../../src/teach/explain/explain.ts';
import { wrap } from '../../../../../src/ui/wrap.ts';

const netns: HostStep = {
  id: 'netns.create',
  section: 'namespace',
  title: 'Create the network namespace',
  why: 'A network namespace is a network stack of its own, with interfaces, routes and ports.',
  without: 'The container would share the host’s.',
  command: { kind: 'run', argv: ['ip', 'netns', 'add', 'md-1'] },
  undo: { kind: 'command', command: { kind: 'run', argv: ['ip', 'netns', 'delete', 'md-1'] } },
  observe: ['ip', '-n', 'md-1', 'address'],
};
const bridge: HostStep = {
  id: 'bridge.create',
  section: 'bridge',
  title: 'Create the bridge',
  why: 'A bridge is a switch in the kernel.',
  without: 'Nothing to plug cables into.',
  command: { kind: 'run', argv: ['ip', 'link', 'add', 'minidock0', 'type', 'bridge'] },
  undo: { kind: 'shared', why: 'every container hangs on it' },
  check: { kind: 'path-exists', path: '/sys/class/net/minidock0' },
};
const table: HostStep = {
  id: 'nat.table',
  section: 'nat',
  title: 'Create the table',
  why: 'Rules are kept in tables.',
  without: 'No place for rules.',
  command: { kind: 'run', argv: ['nft', '-f', '-'], input: 'table ip x {\n  chain y { }\n}\n' },
  undo: { kind: 'freedBy', step: 'netns.create' },
};

test('a dry run tells each step whole', () => {
  expect(renderDryRun([netns, bridge, table], { width: 72 })).toBe(`
1. Create the network namespace

  [1/3] Create the network namespace
    $ ip netns add md-1
    Why:     A network namespace is a network stack of its own, with
             interfaces, routes and ports.
    Without: The container would share the host’s.
    Undo:    ip netns delete md-1
    Look:    ip -n md-1 address

2. Create the bridge

  [2/3] Create the bridge
    $ ip link add minidock0 type bridge
    Why:     A bridge is a switch in the kernel.
    Without: Nothing to plug cables into.
    Undo:    never for one container: every container hangs on it
    Skip:    where /sys/class/net/minidock0 exists

3. Enable NAT

  [3/3] Create the table
    $ nft -f - <<<'table ip x {
        chain y { }
      }'
    Why:     Rules are kept in tables.
    Without: No place for rules.
    Undo:    goes away when "Create the network namespace" is undone
`);
});

test('a short one tells a line a step, of a script the first', () => {
  expect(renderDryRun([netns, bridge, table], { how: 'short' })).toBe(
    '1/3 Create the network namespace: ip netns add md-1\n' +
      '2/3 Create the bridge: ip link add minidock0 type bridge\n' +
      "3/3 Create the table: nft -f - <<<'table ip x { …\n",
  );
});

test('one for programs tells an object a line', () => {
  const [first, second, last] = renderDryRun([netns, bridge, table], { how: 'json' })
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(first).toEqual({
    id: 'netns.create',
    n: 1,
    of: 3,
    section: 'Create the network namespace',
    title: netns.title,
    command: 'ip netns add md-1',
    why: netns.why,
    without: netns.without,
    undo: 'ip netns delete md-1',
    look: 'ip -n md-1 address',
  });
  expect(second).toMatchObject({ skip: 'where /sys/class/net/minidock0 exists' });
  expect(last).toMatchObject({
    undo: 'goes away when "Create the network namespace" is undone',
    look: null,
  });
});

describe('as it happens', () => {
  test('the short form and the one for programs have the time', () => {
    const [short, json] = [createExplainer({ how: 'short' }), createExplainer({ how: 'json' })];
    for (const explainer of [short, json]) expect(explainer.stepStarted(netns, 3, 12)).toBe('');
    expect(short.stepDone(netns, 2.06, 'done')).toBe(
      ' 3/12    2.1 ms  Create the network namespace: ip netns add md-1\n',
    );
    expect(JSON.parse(json.stepDone(netns, 2.0604, 'already'))).toMatchObject({
      n: 3,
      of: 12,
      ms: 2.06,
      outcome: 'already',
    });
  });

  test('a heading once for each section, an outcome for each step', () => {
    const explainer = createExplainer({});
    const started = explainer.stepStarted(netns, 1, 12);
    expect(started).toContain('\n1. Create the network namespace\n');
    expect(started).toContain('  [ 1/12] Create the network namespace\n    $ ip netns add md-1\n');
    expect(explainer.stepDone(netns, 2.06, 'done')).toBe('    done in 2.1 ms\n');
    const again = explainer.stepStarted({ ...netns, id: 'netns.loopback' }, 2, 12);
    expect(again).not.toContain('1. ');
    expect(explainer.stepDone(netns, 0, 'already')).toBe('    there already, nothing to do\n');
    explainer.stepStarted(bridge, 3, 12);
    expect(explainer.stepDone(bridge, 1234, 'failed')).toBe('    failed after 1.23 s\n');
    expect(explainer.stepStarted(netns, 4, 12)).toContain('\n1. Create the network namespace (again)\n');
  });

  test('colour only paints: without it the text is the same', () => {
    const paint = (text: string): string => `\u001b[1m${text}\u001b[0m`;
    const colors = { bold: paint, dim: paint, red: paint, green: paint, yellow: paint, cyan: paint };
    const painted = renderDryRun([netns, bridge, table], { colors });
    expect(painted).toContain('\u001b[');

    expect(painted.replace(/\u001b\[\dm/g, '')).toBe(renderDryRun([netns, bridge, table]));
  });
});

describe('wrapping', () => {
  test.each([40, 60, 80, 132])('prose fits into %d columns, commands are never broken', (width) => {
    const long = { ...netns, title: 'Create the network namespace that the container is going to live in' };
    const lines = renderDryRun([long, bridge, table], { width }).split('\n');
    const prose = lines.filter((line) => !/^ {4}(\$|Undo: ip|Look:)/.test(line));
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines).toContain('    $ ip link add minidock0 type bridge');
  });

  test('a word that is too long stands alone', () => {
    expect(wrap('a verylongword b', 8, '> ', '  ')).toBe('> a\n  verylongword\n  b');
  });
});
