// Native ES modules (the libraries are ESM-only), TypeScript stripped by swc; types are checked by tsc beside it.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.sh'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
    '\\.sh$': '<rootDir>/test/support/text-module.js',
  },
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Tests wait for the kernel more than for the processor, and each has a host of its own.
  maxWorkers: '100%',
  testTimeout: 30_000,
};
