/** The benchmark still runs: a small part of it, without rivals; its figures do not matter here. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { runProgram } from '../../support/host/processes.ts';

const bench = resolve(import.meta.dirname, '../../../scripts/bench/run');

test('it measures minidock beside plain shell, and says so in text, data and picture', async () => {
  const out = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  try {
    const argv = [bench, '--quick', '--alone', '--only', 'executable,start,connect,watch', '--out', out];
    const { stdout, stderr, exitCode } = await runProgram(argv, { timeout: 120_000 });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(out, 'bench.md'), 'utf8')).toBe(stdout);
    const { rows } = JSON.parse(readFileSync(join(out, 'bench.json'), 'utf8')) as {
      rows: { id: string; samples: Record<string, number[]> }[];
    };
    expect(rows.map(({ id }) => id)).toEqual([
      ...['help', 'size', 'run-rm', 'run-rm-p', 'connect', 'disconnect'],
      ...['stats', 'events', 'events-late'],
    ]);
    expect(rows.slice(4).map(({ samples }) => Object.keys(samples))).toEqual(Array(5).fill(['minidock']));
    for (const { samples } of rows.slice(2, 4)) {
      expect(Object.keys(samples)).toEqual(['minidock', 'shell']);
      for (const list of Object.values(samples)) {
        expect(list).toHaveLength(5);
        expect(Math.min(...list)).toBeGreaterThan(1);
      }
    }
    expect(readFileSync(join(out, 'bench.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  } finally {
    rmSync(out, { recursive: true });
  }
}, 120_000);
