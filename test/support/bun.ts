/** Bun as it is pinned for the build, for test drivers that need system calls, which Node cannot make. */
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export const pinnedBun = resolve(
  root,
  'node_modules/@oven',
  process.arch === 'arm64' ? 'bun-linux-aarch64' : 'bun-linux-x64-baseline',
  'bin/bun',
);

/** The words that run one of drivers/. */
export const driver = (name: string, ...args: readonly string[]): string[] => [
  pinnedBun,
  resolve(root, 'test/support/drivers', name),
  ...args,
];
