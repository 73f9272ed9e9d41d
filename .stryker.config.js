// Stryker: small changes to the modules that unit tests cover by themselves, each of which a unit test is to fail on.
// Run by scripts/mutation/run. What only kernel and e2e tests can see is listed in test/mutation.
import { readFileSync } from 'node:fs';

const { jest } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

export default {
  mutate: [
    'images/platform.ts',
    'images/reference.ts',
    'images/registry/challenge.ts',
    'images/registry/endpoints.ts',
    'runtime/network/hosts.ts',
    'runtime/network/ipam.ts',
    'runtime/network/ipv4.ts',
    'src/engine/spec/port-spec.ts',
    'runtime/network/resolv.ts',
    'runtime/network/subnet.ts',
    'runtime/plan/quote.ts',
    'runtime/process/capabilities.ts',
    'runtime/process/identity/lines.ts',
    'src/engine/spec/ulimits.ts',
    'runtime/process/seccomp/arguments.ts',
    'runtime/printable.ts',
    'src/commands/shared/boolean-flags.ts',
    'src/commands/program/global-flags.ts',
    'src/engine/spec/env-flags.ts',
    'src/engine/spec/units.ts',
  ],
  testRunner: 'jest',
  jest: {
    projectType: 'custom',
    // Those left out look at the checkout itself, which a sandbox is not, or take long and concern other modules.
    config: {
      ...jest,
      roots: ['<rootDir>/test/unit'],
      testTimeout: 120_000,
      testPathIgnorePatterns: [
        ...['/unit/scripts/', '/unit/attack/', '/unit/mutation/', '/unit/architecture'],
        '/unit/images/foreign/wrong-json',
      ],
    },
    enableFindRelatedTests: true,
  },
  testRunnerNodeArgs: ['--experimental-vm-modules', '--no-warnings'],
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  ignorePatterns: ['dist', '.github', '.cache', 'test/golden', 'test/e2e', 'test/kernel', 'test/docker'],
  tempDirName: '.cache/stryker',
  reporters: ['clear-text'],
  // The report too, in Stryker's JSON schema; a run of some files leaves what it says of the others.
  incrementalFile: '.cache/mutation.json',
  clearTextReporter: { allowColor: false, logTests: false },
  concurrency: 2,
  disableTypeChecks: true,
};
