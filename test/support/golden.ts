/**
 * Text that is kept as a file beside the test, so that a change of what people read is seen in review.
 * `UPDATE_GOLDEN=1 scripts/jest golden` writes the files anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from '@jest/globals';

const directory = resolve(import.meta.dirname, '../golden');

export function expectGolden(name: string, text: string): void {
  const path = resolve(directory, name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
  expect(existsSync(path)).toBe(true);
  expect(text).toBe(readFileSync(path, 'utf8'));
}
