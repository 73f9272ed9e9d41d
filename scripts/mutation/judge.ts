/** What the tests of one pattern say in a copy of the checkout: how many ran, how many failed. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type Verdict =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  /** Neither a mutant nor a verdict: it cannot be compiled, or no test ran. */
  | { readonly kind: 'invalid'; readonly why: string };

/** Milliseconds after which a mutant counts as killed: it makes a program wait for ever, and a test wait for that. */
const PATIENCE = 300_000;

interface JestResult {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export function judge(dir: string, tests: string): Verdict {
  const build = spawnSync('scripts/build', { cwd: dir, encoding: 'utf8' });
  if (build.status !== 0) return { kind: 'invalid', why: `it does not build: ${build.stderr.slice(0, 300)}` };
  const report = join(dir, 'jest-report.json');
  rmSync(report, { force: true });
  const words = ['--', '--testPathPatterns', tests, '--ci', '--bail', '--json', '--outputFile', report];
  const ran = spawnSync('scripts/jest', words, {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: PATIENCE,
    killSignal: 'SIGTERM',
  });
  if (ran.error !== undefined) return { kind: 'killed', by: 'its time' };
  if (!existsSync(report)) {
    // With --bail, the first file that fails ends Jest on the spot.
    const failed = /^ {2}● (.*)$/m.exec(ran.stderr)?.[1];
    return failed === undefined || ran.stderr.includes('No tests found')
      ? { kind: 'invalid', why: `Jest gave no result for ${tests}` }
      : { kind: 'killed', by: failed };
  }
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestResult;
  for (const { assertionResults, status, message, name } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) return { kind: 'killed', by: failed.fullName };
    if (status === 'failed') return { kind: 'killed', by: `${name}: ${message.slice(0, 200)}` };
  }
  return numPassedTests === 0 ? { kind: 'invalid', why: `no test ran for ${tests}` } : { kind: 'survived' };
}
