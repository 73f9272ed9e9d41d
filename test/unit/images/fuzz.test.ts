/** A short run of the fuzzer (scripts/fuzz): the seeds that are kept, one for each kind of outcome, and some more. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fuzzOnce, targetNames, type TargetName } from '../../fuzz/targets.ts';
import { recordingCalls } from '../../support/kernel/recording-calls.ts';
import { memoryDirectory } from '../../support/temporary-directory.ts';

const seeds = Object.values(
  JSON.parse(readFileSync(join(import.meta.dirname, '../../fuzz/seeds.json'), 'utf8')) as Record<
    string,
    readonly [TargetName, number]
  >,
);

test.each(targetNames)('%s', async (name) => {
  const around = { dir: memoryDirectory(), callsFor: recordingCalls };
  const kept = seeds.filter(([target]) => target === name).map(([, seed]) => seed);
  const kinds = new Set<string>();
  for (const seed of [...kept, ...Array.from({ length: 100 }, (_, i) => i)])
    kinds.add(await fuzzOnce(name, seed, around));
  // Mutations that no longer get anywhere would find nothing, and fail at nothing.
  expect(kinds.size).toBeGreaterThan(10);
  expect([...kinds].some((kind) => kind.endsWith(': fine'))).toBe(true);
});
