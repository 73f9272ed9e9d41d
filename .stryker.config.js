// Stryker: every small change to one module, each of which that module's own unit tests are to fail on. Run by
// scripts/mutation/run, once for each module of test/mutation/units.ts. Bun runs the tests, as it runs the program, and
// starts in a tenth of the time Jest takes: a mutant costs one start. What only kernel and e2e tests see is listed in
// test/mutation/mutants.
const { MINIDOCK_MUTATE = '', MINIDOCK_MUTATE_TESTS = '', MINIDOCK_MUTATE_REPORT = '' } = process.env;

export default {
  mutate: [MINIDOCK_MUTATE],
  testRunner: 'command',
  commandRunner: { command: `"$MINIDOCK_BUN" test --bail=1 --timeout 30000 ${MINIDOCK_MUTATE_TESTS}` },
  ignorePatterns: ['dist', '.github', '.cache', 'test/golden', 'test/e2e', 'test/kernel', 'test/docker'],
  tempDirName: '.cache/stryker',
  reporters: ['json'],
  jsonReporter: { fileName: MINIDOCK_MUTATE_REPORT },
  // An endless loop is killed; a machine with much else to do is no endless loop.
  timeoutMS: 20_000,
  concurrency: 2,
  disableTypeChecks: true,
};
