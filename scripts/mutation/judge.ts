/** What the tests of one pattern say in a copy of the checkout: whether one of them fails. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

export type Verdict =
  /** `test`: the whole name of the test that failed, where it was one. */
  | {
      readonly kind: 'killed';
      readonly by: string;
      readonly file: string;
      readonly test?: string;
      readonly waited?: boolean;
    }
  | { readonly kind: 'survived' }
  /** Neither a mutant nor a verdict: it cannot be compiled, no test ran, or its test fails without it as well. */
  | { readonly kind: 'invalid'; readonly why: string };

/** Milliseconds after which a mutant counts as killed: it makes a program wait for ever, and a test wait for that. */
const PATIENCE = 300_000;
/** Cheapest first. */
export const KINDS: readonly string[] = ['unit', 'golden', 'kernel', 'e2e', 'docker'];

interface JestResult {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Why the executable of a checkout cannot be built, if so. */
export function build(dir: string): string | undefined {
  const built = spawnSync('scripts/build', { cwd: dir, encoding: 'utf8' });
  return built.status === 0 ? undefined : `it does not build: ${built.stderr.slice(0, 300)}`;
}

/** One file after the other, until a test fails. `tests` as a mutant has them; `mutated` is tested by its own first. */
export function judge(dir: string, tests: string, mutated: string): Verdict {
  const [pattern = '', name] = tests.split(' -t ');
  let passed = 0;
  let built = false;
  for (const file of filesOf(dir, pattern, mutated)) {
    // Unit tests and goldens load modules; the executable is for the others.
    if (!built && !isCheap(file)) {
      const refusal = build(dir);
      if (refusal !== undefined) return { kind: 'invalid', why: refusal };
      built = true;
    }
    const result = judgeFile(dir, file, name);
    if (typeof result !== 'number') return result.kind === 'killed' ? requireBuild(dir, result) : result;
    passed += result;
  }
  return passed === 0 ? { kind: 'invalid', why: `no test ran for ${tests}` } : { kind: 'survived' };
}

const isCheap = (file: string): boolean => /^test\/(unit|golden)\//.test(file);

/** A file in which no test failed could not be loaded, perhaps because the mutant is no code. */
function requireBuild(dir: string, verdict: Verdict & { readonly kind: 'killed' }): Verdict {
  const refusal = verdict.test === undefined ? build(dir) : undefined;
  return refusal === undefined ? verdict : { kind: 'invalid', why: refusal };
}

function filesOf(dir: string, pattern: string, mutated: string): readonly string[] {
  const cost = (file: string): number =>
    2 * KINDS.indexOf(file.split('/')[1] ?? '') -
    Number(basename(file, '.test.ts') === basename(mutated, '.ts'));
  return readdirSync(join(dir, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts') && new RegExp(pattern).test(file))
    .sort((one, two) => cost(one) - cost(two));
}

/** How many tests of a file passed, where none failed: all, or those whose name matches `name`. */
export function judgeFile(dir: string, file: string, name?: string): Verdict | number {
  const first = runFile(dir, file, name);
  // A test that waited in vain may have met a busy machine: only twice is it the mutant.
  return typeof first !== 'number' && first.kind === 'killed' && first.waited
    ? runFile(dir, file, name)
    : first;
}

function runFile(dir: string, file: string, name: string | undefined): Verdict | number {
  const report = join(dir, 'jest-report.json');
  rmSync(report, { force: true });
  const environment = join(import.meta.dirname, 'first-failure.js');
  const words = [
    '--',
    '--runTestsByPath',
    file,
    '--ci',
    '--json',
    '--outputFile',
    report,
    '--env',
    environment,
  ];
  if (name !== undefined) words.push('-t', name);
  const ran = spawnSync('scripts/jest', words, { cwd: dir, stdio: 'ignore', timeout: PATIENCE });
  if (ran.error !== undefined) return { kind: 'killed', by: 'its time', file };
  if (!existsSync(report)) return { kind: 'invalid', why: `Jest gave no result for ${file}` };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestResult;
  for (const { assertionResults, status, message } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) {
      const { fullName: test, failureMessages } = failed;
      const waited = /Exceeded timeout|waited \d+ ms in vain/.test(failureMessages.join('\n'));
      return { kind: 'killed', by: test, file, test, waited };
    }
    if (status === 'failed') return { kind: 'killed', by: message.slice(0, 200), file };
  }
  return numPassedTests;
}
