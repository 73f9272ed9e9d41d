/**
 * A step that fails, and a command that is killed before a step, for every step of the verbs besides run: the message
 * names the step, doing it again works or is not needed any more, and after a clean-up nothing is left. The steps are
 * those that --dry-run prints (fault.test.ts has those of a start).
 */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { ownFiles } from '../../support/host/own-files.ts';
import type { RunResult } from '../../support/host/processes.ts';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

type Words = readonly string[];

interface Case {
  /** Commands before it, which must succeed. */
  readonly setUp?: readonly Words[];
  /** The verb's own words come first: those of --dry-run go behind them. */
  readonly verb: Words;
  readonly words: Words;
  /** Commands after it, whatever has become of it. */
  readonly cleanUp: readonly Words[];
  /** Kills only: network-connect.test.ts makes its steps fail. */
  readonly killsOnly?: true;
}

const CONTAINER: Words = ['run', '-d', '--name', 'subject', '-m', '64m', '-p', '8080:80', '-v', '/data'];
const SLEEP: Words = ['test', 'sleep', '1000'];
const RUNNING: readonly Words[] = [[...CONTAINER, ...SLEEP]];
const REMOVE: readonly Words[] = [['rm', '-f', '-v', 'subject']];
const NETWORK: readonly Words[] = [['network', 'create', '--subnet', '10.99.0.0/24', 'made']];
const NO_NETWORK: readonly Words[] = [['network', 'rm', '-f', 'made']];

/** An image with a layer of its own. */
const IMAGE: readonly Words[] = [
  ['run', '--name', 'subject', 'test', 'sh', '-c', 'echo made >/made'],
  ['commit', 'subject', 'made'],
  ['rm', '-v', 'subject'],
];
const NO_IMAGE: readonly Words[] = [
  ['rmi', '-f', 'made'],
  ['image', 'prune', '-f'],
];

const CASES: Readonly<Record<string, Case>> = {
  'network create': { verb: ['network', 'create'], words: ['made'], cleanUp: NO_NETWORK },
  'network connect': {
    setUp: [...NETWORK, ...RUNNING],
    verb: ['network', 'connect'],
    words: ['made', 'subject'],
    cleanUp: [...REMOVE, ...NO_NETWORK],
    killsOnly: true,
  },
  'network disconnect': {
    setUp: [...NETWORK, ...RUNNING, ['network', 'connect', 'made', 'subject']],
    verb: ['network', 'disconnect'],
    words: ['made', 'subject'],
    cleanUp: [...REMOVE, ...NO_NETWORK],
    killsOnly: true,
  },
  'network rm': { setUp: NETWORK, verb: ['network', 'rm'], words: ['made'], cleanUp: NO_NETWORK },
  'network prune': { setUp: NETWORK, verb: ['network', 'prune'], words: ['-f'], cleanUp: NO_NETWORK },
  'volume create': {
    verb: ['volume', 'create'],
    words: ['--label', 'a=b', 'made'],
    cleanUp: [['volume', 'rm', '-f', 'made']],
  },
  'volume rm': {
    setUp: [['volume', 'create', 'made']],
    verb: ['volume', 'rm'],
    words: ['made'],
    cleanUp: [['volume', 'rm', '-f', 'made']],
  },
  'volume prune': {
    setUp: [['volume', 'create', 'made']],
    verb: ['volume', 'prune'],
    words: ['-af'],
    cleanUp: [['volume', 'rm', '-f', 'made']],
  },
  'container prune': {
    setUp: [['create', '--name', 'subject', ...SLEEP]],
    verb: ['container', 'prune'],
    words: ['-f'],
    cleanUp: REMOVE,
  },
  rmi: {
    setUp: IMAGE,
    verb: ['rmi'],
    words: ['made'],
    cleanUp: NO_IMAGE,
  },
  'image prune': {
    setUp: [...IMAGE, ['tag', 'test', 'made']],
    verb: ['image', 'prune'],
    words: ['-f'],
    cleanUp: NO_IMAGE,
  },
  commit: {
    setUp: [
      [...CONTAINER, 'test', 'sh', '-c', 'echo new >/new; exec sleep 1000'],
      ['exec', 'subject', 'touch', '/other'],
    ],
    verb: ['commit'],
    words: ['subject', 'made'],
    cleanUp: [...REMOVE, ...NO_IMAGE],
  },
  rename: {
    setUp: [['create', '--name', 'subject', ...SLEEP]],
    verb: ['rename'],
    words: ['subject', 'renamed'],
    cleanUp: [['rm', '-f', '-v', 'subject', 'renamed']],
  },
  tag: { verb: ['tag'], words: ['test', 'made'], cleanUp: NO_IMAGE },
  'cp into one that runs': {
    setUp: RUNNING,
    verb: ['cp'],
    words: ['/etc/hosts', 'subject:/data'],
    cleanUp: REMOVE,
  },
  'cp into one that does not': {
    setUp: [['create', '--name', 'subject', '-v', '/data', ...SLEEP]],
    verb: ['cp'],
    words: ['/etc/hosts', 'subject:/data'],
    cleanUp: REMOVE,
  },
  pause: { setUp: RUNNING, verb: ['pause'], words: ['subject'], cleanUp: REMOVE },
  unpause: {
    setUp: [...RUNNING, ['pause', 'subject']],
    verb: ['unpause'],
    words: ['subject'],
    cleanUp: REMOVE,
  },
  update: {
    setUp: RUNNING,
    verb: ['update'],
    words: ['-m', '96m', '--memory-swap', '96m', '--cpus', '0.5', '--pids-limit', '50', 'subject'],
    cleanUp: REMOVE,
  },
  'rm of one that has ended': {
    setUp: [['create', '--name', 'subject', '-v', '/data', ...SLEEP]],
    verb: ['rm'],
    words: ['-v', 'subject'],
    cleanUp: REMOVE,
  },
};

const withFault = (failAt: string, words: Words): Promise<RunResult> =>
  engine.host.run([binary, ...words], { env: { MINIDOCK_FAIL_AT: failAt } });

async function each(words: readonly Words[], work: (words: Words) => Promise<unknown>): Promise<void> {
  for (const one of words) await work(one);
}

/** Their ids may hold the name of a volume, which differs each time. */
async function stepsOf({ verb, words }: Case): Promise<Words> {
  const told = await ok(...verb, '--dry-run', '--explain=json', ...words);
  return told.split('\n').map((line) => (JSON.parse(line) as StepObject).id);
}

/** What the shim of a container does is its affair; these are the shim's own files. */
const OF_THE_SHIM = ['address.release'];

/** A command takes what a removal has left that was broken off, for some milliseconds; the next one takes more. */
async function settled(before: readonly string[], what: string): Promise<void> {
  let now: readonly string[] = [];
  const isClean = async (): Promise<boolean> => {
    await ok('ps', '-a');
    now = await ownFiles(engine.host);
    return now.join() === before.join();
  };
  await engine.host.waitFor(isClean, 'no file to be left').catch(() => undefined);
  expect([what, now]).toEqual([what, before]);
}

test.each(Object.entries(CASES))(
  '%s',
  async (_, one) => {
    const { setUp = [], verb, words, cleanUp } = one;
    const before = await ownFiles(engine.host);
    let count = 1;
    for (let at = 0; at < count; at += 1) {
      for (const how of one.killsOnly === true ? ['kill:'] : ['', 'kill:']) {
        await each(setUp, (each) => ok(...each));
        const ids = await stepsOf(one);
        count = ids.length;
        const id = ids[at] ?? '';
        if (OF_THE_SHIM.includes(id)) {
          await each(cleanUp, (each) => minidock(...each));
          continue;
        }
        const { exitCode, stderr } = await withFault(`${how}${id}`, [...verb, ...words]);
        expect([how, id, exitCode]).not.toEqual([how, id, 0]);
        if (how === '') expect(stderr).toContain(`step ${id} (`);
        // It is done again, or has been done, or the container has ended with its shim: no step fails.
        const again = await minidock(...verb, ...words);
        expect([how, id, again.stderr]).toEqual([how, id, expect.not.stringMatching(/step \S+ \(/)]);
        if (how === '' && again.exitCode !== 0) expect(again.stderr).toMatch(/no such|No such/);
        await each(cleanUp, (each) => minidock(...each));
        await settled(before, `${how}${id}`);
        await engine.expectClean();
      }
    }
  },
  180_000,
);
