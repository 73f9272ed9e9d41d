/** `--explain` and `--dry-run` of the verbs besides run: what is told is what is done, and a dry run does nothing. */
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../support/engine.ts';
import type { StepObject } from '../../src/teach/step-json.ts';

const engine = useEngine();

const objects = (text: string): readonly StepObject[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as StepObject);

const idsOf = (text: string): readonly string[] => objects(text).map(({ id }) => id);

/** Every step has been told, in order, with all there is to say, and how it went. */
function expectWhole(steps: readonly StepObject[]): void {
  expect(steps.map(({ n }) => n)).toEqual(steps.map((_, index) => index + 1));
  for (const step of steps) {
    expect(step.of).toBe(steps.length);
    expect(step.ms).toBeGreaterThanOrEqual(0);
    expect(step.outcome).toMatch(/^(done|already)$/);
    for (const text of [step.title, step.command, step.why, step.without, step.undo, step.section])
      expect(text).not.toBe('');
  }
}

describe('exec', () => {
  test('tells the steps of the process inside, its output apart', async () => {
    await engine.ok('run', '-d', '--name', 'execed', 'test', 'sleep', '100');
    const { stdout, stderr } = await engine.minidock(
      'exec',
      '--explain=json',
      '-u',
      '1000',
      'execed',
      'id',
      '-u',
    );
    expect(stdout).toBe('1000\n');
    const steps = objects(stderr);
    expectWhole(steps);
    expect(steps.map(({ id }) => id)).toEqual([
      'exec.start',
      'exec.join-cgroup',
      'exec.seal',
      'exec.enter-namespaces',
      'process.find-user',
      'process.new-session',
      'process.load-seccomp',
      'process.set-identity',
      'process.exec',
    ]);
    const planned = await engine.ok(
      'exec',
      '--dry-run',
      '--explain=json',
      '-u',
      '1000',
      'execed',
      'id',
      '-u',
    );
    expect(idsOf(planned)).toEqual(steps.map(({ id }) => id));
    expect(objects(planned)[0]).not.toHaveProperty('ms');
  });

  test('its commands, pasted, are in the container: its files, its network, its processes, its cgroup', async () => {
    await engine.ok('run', '-d', '--name', 'pasted', '--hostname', 'inside', 'test', 'sleep', '100');
    const look = 'hostname; cat /proc/self/cgroup; cat /proc/1/cmdline; ip -o addr show eth0';
    const words = ['exec', '--dry-run', '--explain=json', 'pasted', 'sh', '-c', look];
    const steps = objects(await engine.ok(...words));
    const commandOf = (id: string): string => steps.find((step) => step.id === id)?.command ?? '';
    // nsenter starts minidock, which does the rest; by hand a shell does, as far as the image has the tools.
    const start = /^(.* --) \S+ __enter /.exec(commandOf('exec.start'))?.[1] ?? '';
    const inside = [
      commandOf('exec.join-cgroup'),
      commandOf('exec.seal'),
      `exec ${commandOf('exec.enter-namespaces')} -- ${commandOf('process.exec').replace(/^.*exec /, '')}`,
    ].join('\n');
    const byHand = await engine.host.run(['bash', '-c', `${start} bash -c "$1"`, 'paste', inside]);
    const real = await engine.minidock('exec', 'pasted', 'sh', '-c', look);
    expect([byHand.stderr, byHand.stdout]).toEqual(['', real.stdout]);
  });
});
