/** What the tests of one pattern say in a copy of the checkout: whether one of them fails. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type Verdict =
  | { readonly kind: 'killed'; readonly by: string; readonly file: string }
  | { readonly kind: 'survived' }
  /** Neither a mutant nor a verdict: it cannot be compiled, no test ran, or its test fails without it as well. */
  | { readonly kind: 'invalid'; readonly why: string };

/** Milliseconds after which a mutant counts as killed: it makes a program wait for ever, and a test wait for that. */
const PATIENCE = 300_000;
/** Cheapest first. */
const KINDS = ['unit', 'golden', 'kernel', 'e2e', 'docker'];

interface JestResult {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Why the executable of a checkout cannot be built, if so. */
export function build(dir: string): string | undefined {
  const built = spawnSync('scripts/build', { cwd: dir, encoding: 'utf8' });
  return built.status === 0 ? undefined : `it does not build: ${built.stderr.slice(0, 300)}`;
}

/** One file after the other, until a test fails. */
export function judge(dir: string, pattern: string): Verdict {
  const refusal = build(dir);
  if (refusal !== undefined) return { kind: 'invalid', why: refusal };
  let passed = 0;
  for (const file of filesOf(dir, pattern)) {
    const result = judgeFile(dir, file);
    if (typeof result !== 'number') return result;
    passed += result;
  }
  return passed === 0 ? { kind: 'invalid', why: `no test ran for ${pattern}` } : { kind: 'survived' };
}

function filesOf(dir: string, pattern: string): readonly string[] {
  const kind = (file: string): number => KINDS.indexOf(file.split('/')[1] ?? '');
  return readdirSync(join(dir, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) => file.endsWith('.test.ts') && new RegExp(pattern).test(file))
    .sort((one, two) => kind(one) - kind(two));
}

/** How many tests of a file passed, where none failed. */
export function judgeFile(dir: string, file: string): Verdict | number {
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
  const ran = spawnSync('scripts/jest', words, { cwd: dir, stdio: 'ignore', timeout: PATIENCE });
  if (ran.error !== undefined) return { kind: 'killed', by: 'its time', file };
  if (!existsSync(report)) return { kind: 'invalid', why: `Jest gave no result for ${file}` };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestResult;
  for (const { assertionResults, status, message } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) return { kind: 'killed', by: failed.fullName, file };
    if (status === 'failed') return { kind: 'killed', by: message.slice(0, 200), file };
  }
  return numPassedTests;
}
