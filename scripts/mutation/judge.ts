/**
 * What the tests of one pattern say of a mutant. Bun runs them, not Jest: it takes the same files, and a twentieth of
 * the time to start. A test that fails without the mutant as well, in a copy that has none, kills nothing.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execaSync } from 'execa';
import type { Mutant } from '../../test/mutation/mutant.ts';

export type Verdict =
  | { readonly kind: 'killed'; readonly by: string; readonly file: string }
  | { readonly kind: 'survived' }
  /** Neither a mutant nor a verdict: it cannot be compiled, or no test ran. */
  | { readonly kind: 'invalid'; readonly why: string };

interface Run {
  readonly passed: number;
  /** Names of tests; one of its own for a file that cannot be loaded, or does not end. */
  readonly failed: readonly string[];
}

/** Milliseconds after which a mutant counts as killed: it makes a program wait for ever, and a test wait for that. */
const PATIENCE = 300_000;
/** Cheapest first. */
export const KINDS: readonly string[] = ['unit', 'golden', 'kernel', 'e2e', 'docker'];

/** Why the executable of a checkout cannot be built, if so. */
function build(dir: string): string | undefined {
  const built = execaSync('scripts/build', { cwd: dir, reject: false });
  return built.exitCode === 0 ? undefined : `it does not build: ${built.stderr.slice(0, 300)}`;
}

const BROKEN = 'it cannot be loaded';
/** What Bun calls a hook that fails, mostly after a test that does. */
const HOOK = '(unnamed)';
/** Unit tests and goldens load modules; the executable is for the others. */
const needsBuild = (file: string): boolean => !/^test\/(unit|golden)\//.test(file);

/** One file after the other, until a test fails that passes in `sound`. */
export function judge(dir: string, sound: string, { tests, file: mutated }: Mutant): Verdict {
  const [pattern = '', name] = tests.split(' -t ');
  let [passed, built] = [0, false];
  for (const file of filesOf(dir, pattern, mutated)) {
    if (needsBuild(file) && !built) {
      const why = build(dir);
      if (why !== undefined) return { kind: 'invalid', why };
      built = true;
    }
    const run = runFile(dir, file, name);
    passed += run.passed;
    if (run.failed.length === 0) continue;
    const without = runSound(sound, file, name);
    const fresh = run.failed.filter((test) => !without.failed.includes(test));
    const by = fresh.find((test) => !test.endsWith(HOOK)) ?? fresh[0];
    if (by === undefined) continue;
    const why = by === BROKEN && !built ? build(dir) : undefined;
    return why === undefined ? { kind: 'killed', by, file } : { kind: 'invalid', why };
  }
  return passed === 0 ? { kind: 'invalid', why: `no test ran for ${tests}` } : { kind: 'survived' };
}

/** The mutated module's own tests come first among their kind. */
function filesOf(dir: string, pattern: string, mutated: string): readonly string[] {
  const cost = (file: string): number =>
    2 * KINDS.indexOf(file.split('/')[1] ?? '') -
    Number(basename(file, '.test.ts') === basename(mutated, '.ts'));
  return readdirSync(join(dir, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts') && new RegExp(pattern).test(file))
    .sort((one, two) => cost(one) - cost(two));
}

const known = new Map<string, Run>();
let soundIsBuilt = false;

function runSound(dir: string, file: string, name: string | undefined): Run {
  const key = JSON.stringify([file, name]);
  if (needsBuild(file) && !soundIsBuilt) {
    const why = build(dir);
    if (why !== undefined) throw new Error(`without a mutant, ${why}`);
    soundIsBuilt = true;
  }
  const run = known.get(key) ?? runFile(dir, file, name);
  known.set(key, run);
  return run;
}

/** All tests of a file, or those whose name matches `name`. */
function runFile(dir: string, file: string, name: string | undefined): Run {
  const first = runOnce(dir, file, name);
  if (!first.waited) return first;
  // A test that waited in vain may have met a busy machine: only twice is it the mutant.
  const { passed, failed } = runOnce(dir, file, name);
  return { passed, failed: failed.filter((test) => first.failed.includes(test)) };
}

function runOnce(dir: string, file: string, name: string | undefined): Run & { readonly waited: boolean } {
  const words = ['test', '--timeout', '60000', ...(name === undefined ? [] : ['-t', name]), `./${file}`];
  const ran = execaSync(process.execPath, words, {
    cwd: dir,
    timeout: PATIENCE,
    maxBuffer: 1 << 28,
    reject: false,
  });
  // Killed by the timeout, or never started.
  if (ran.exitCode === undefined) return { passed: 0, failed: ['the time it has'], waited: true };
  const told = ran.stderr;
  const failed = [...told.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/gm)].map(([, test = '']) => test);
  const passed = Number(/^ *(\d+) pass$/m.exec(told)?.[1] ?? 0);
  if (ran.exitCode !== 0 && failed.length === 0 && !/had no matches|matched 0 tests|No tests/i.test(told))
    failed.push(BROKEN);
  const waited =
    failed.some((test) => test.endsWith(HOOK)) || /timed out after|waited \d+ ms in vain/.test(told);
  return { passed, failed, waited };
}
