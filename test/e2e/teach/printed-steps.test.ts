/**
 * What is printed is what ran, verb by verb: the commands of a dry run, which is made before, and those of
 * the trace, which holds the data that each performer was given.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Command } from '../../../runtime/plan/command.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { tarOf, writeLayout } from '../../support/images/oci-layout.ts';
import { startRegistry } from '../../support/images/registry.ts';
import { readTrace } from '../../support/trace.ts';

const engine = useEngine();
const program = join(import.meta.dirname, '../../../dist/minidock');

const traced = (file: string, ...words: readonly string[]): Promise<unknown> =>
  succeed(engine.host.run([program, ...words], { env: { MINIDOCK_TRACE: file } }));

const newFile = (): string => join(mkdtempSync(join(engine.host.dir, 'printed-')), 'trace.json');

/** A container whose shim writes what it does to the file. */
const start = async (file: string, ...flags: readonly string[]): Promise<void> => {
  await traced(file, 'run', '-d', '--name', 'printed', ...flags, 'test', 'sleep', '100');
};

async function printed(verb: string, ...words: readonly string[]): Promise<readonly string[]> {
  const text = await engine.ok(verb, '--dry-run', '--explain=json', ...words);
  const steps = text.split('\n').map((line) => JSON.parse(line) as StepObject);
  expect(steps.length).toBeGreaterThan(0);
  return steps.map(({ command }) => command);
}

/** Of spans that began since then. What was not needed, since the program had ended, was asked for all the same. */
const performed = (file: string, since = 0): readonly string[] =>
  readTrace(file)
    .filter(({ begin, args }) => begin >= since && (args['outcome'] !== undefined || 'commands' in args))
    .flatMap(({ args }) => (args['commands'] as readonly Command[] | undefined) ?? [])
    .map(renderCommand);

const sorted = (commands: readonly string[]): readonly string[] => [...commands].sort();

/** The shim goes on for a moment after its answer. */
async function expectSame(file: string, since: number, expected: readonly string[]): Promise<void> {
  await engine.host.waitFor(
    () => performed(file, since).length >= expected.length,
    `${String(expected.length)} steps in the trace`,
  );
  expect(sorted(performed(file, since))).toEqual(sorted(expected));
}

test.each([
  ['stop', ['stop', '-t', '0', 'printed'], ['-p', '8080:80']],
  ['stop of one with --rm and a volume', ['stop', '-t', '0', 'printed'], ['--rm', '-v', '/data']],
  ['kill', ['kill', 'printed'], []],
  ['rm -f', ['rm', '-f', '-v', 'printed'], ['-v', '/data']],
  ['rm -f of one with --rm', ['rm', '-f', 'printed'], ['--rm', '-v', '/data']],
] as const)('%s', async (_, [verb, ...words], flags) => {
  const file = newFile();
  await start(file, ...flags);
  const expected = await printed(verb, ...words);
  const since = Date.now();
  await traced(file, verb, ...words);
  await expectSame(file, since, expected);
});

test('rm of one that has ended', async () => {
  await engine.ok('create', '--name', 'printed', '-v', '/data', 'test', 'true');
  const expected = await printed('rm', '-v', 'printed');
  const file = newFile();
  await traced(file, 'rm', '-v', 'printed');
  await expectSame(file, 0, expected);
});

test('kill with a signal sends that, and nothing follows', async () => {
  await engine.ok('run', '-d', '--name', 'printed', 'test', 'sleep', '100');
  const expected = await printed('kill', '-s', 'USR1', 'printed');
  expect(expected).toEqual([expect.stringMatching(/^kill -s USR1 \d+$/)]);
  const file = newFile();
  await traced(file, 'kill', '-s', 'USR1', 'printed');
  await expectSame(file, 0, expected);
});

test('exec, in its order', async () => {
  await engine.ok('run', '-d', '--name', 'printed', 'test', 'sleep', '100');
  const words = ['-u', '1000', '-w', '/tmp', 'printed', 'true'];
  const withoutDir = (commands: readonly string[]): readonly string[] =>
    commands.map((command) => command.replaceAll(/exec-[0-9a-f]{16}/g, 'exec-DIR'));
  const expected = withoutDir(await printed('exec', ...words));
  const file = newFile();
  await traced(file, 'exec', ...words);
  expect(withoutDir(performed(file))).toEqual(expected);
});

test('network create', async () => {
  const withoutId = (commands: readonly string[]): readonly string[] =>
    commands.map((command) =>
      command.replaceAll(/mdb[0-9a-f]{12}/g, 'BRIDGE').replace(/0a(:[0-9a-f]{2}){5}/, 'MAC'),
    );
  const words = ['create', '--subnet', '10.99.0.0/24', 'printed'];
  const text = await engine.ok('network', 'create', '--dry-run', '--explain=json', ...words.slice(1));
  const expected = text.split('\n').map((line) => (JSON.parse(line) as StepObject).command);
  const file = newFile();
  await traced(file, 'network', ...words);
  await engine.ok('network', 'rm', 'printed');
  expect(sorted([...new Set(withoutId(performed(file)))])).toEqual(sorted([...new Set(withoutId(expected))]));
});

test.each([
  ['network rm', [['network', 'create', 'printed']], ['network', 'rm'], ['printed']],
  ['network prune', [['network', 'create', 'printed']], ['network', 'prune'], ['-f']],
  ['volume create', [], ['volume', 'create'], ['--label', 'a=b', 'printed']],
  ['volume rm', [['volume', 'create', 'printed']], ['volume', 'rm'], ['printed']],
  ['volume prune', [['volume', 'create', 'printed']], ['volume', 'prune'], ['-af']],
  ['container prune', [['create', 'test']], ['container', 'prune'], ['-f']],
  ['commit', [['run', '--name', 'printed', 'test', 'touch', '/new']], ['commit'], ['printed']],
  ['rmi', [['tag', 'test', 'printed']], ['rmi'], ['printed']],
  [
    'image prune',
    [
      ['run', '--name', 'printed', 'test', 'touch', '/new'],
      ['commit', 'printed'],
      ['rm', 'printed'],
    ],
    ['image', 'prune'],
    ['-f'],
  ],
] as const)('%s, in its order', async (_, before, verb, words) => {
  for (const one of before) await engine.ok(...one);
  const withoutTime = (commands: readonly string[]): readonly string[] =>
    commands.map((command) => command.replaceAll(/"created":"[^"]*"/g, 'CREATED'));
  const text = await engine.ok(...verb, '--dry-run', '--explain=json', ...words);
  const expected = text.split('\n').map((line) => (JSON.parse(line) as StepObject).command);
  const file = newFile();
  await traced(file, ...verb, ...words);
  expect(withoutTime(performed(file))).toEqual(withoutTime(expected));
  await engine.minidock('volume', 'rm', '-f', 'printed');
});

test('pull: requests, layers and the name; then only what is new', async () => {
  const registry = await startRegistry(engine.host);
  const push = (layers: readonly string[]): Promise<void> => {
    const dir = mkdtempSync(join(engine.host.dir, 'layout-'));
    return registry.push(writeLayout(dir, [{ layers: layers.map((text) => tarOf(text, text)) }]), 'printed');
  };
  const name = `${registry.address}/printed`;
  try {
    for (const layers of [
      ['one', 'two'],
      ['one', 'three'],
    ]) {
      await push(layers);
      const expected = await printed('pull', name);
      const file = newFile();
      await traced(file, 'pull', '-q', name);
      expect(sorted(performed(file))).toEqual(sorted(expected));
    }
  } finally {
    await engine.minidock('rmi', name);
    await registry.stop();
  }
});
