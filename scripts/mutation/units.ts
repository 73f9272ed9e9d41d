/**
 * Stryker over the modules of test/mutation/units.ts, one after the other, with a line for each: what its tests killed,
 * what is explained, and what survived. Reports stay in .cache/mutation, so that a run of some modules (--only) or of
 * none (--print) still prints the table of all.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { judgeUnit, tableOf, type Judged, type Report } from './unit-verdicts.ts';
import { testsOf, units, type Unit } from '../../test/mutation/units.ts';

const root = resolve(import.meta.dirname, '../..');
const REPORTS = '.cache/mutation';
const reportOf = ({ file }: Unit): string => join(REPORTS, `${file.replaceAll('/', '-')}.json`);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function mutate(unit: Unit): boolean {
  const { status, stdout } = spawnSync('node_modules/.bin/stryker', ['run', '.stryker.config.js'], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      MINIDOCK_BUN: process.execPath,
      MINIDOCK_MUTATE: unit.file,
      MINIDOCK_MUTATE_TESTS: testsOf(unit).join(' '),
      MINIDOCK_MUTATE_REPORT: reportOf(unit),
    },
  });
  if (status !== 0) say(stdout);
  return status === 0;
}

function judge(unit: Unit): Judged | undefined {
  const path = join(root, reportOf(unit));
  if (!existsSync(path)) return undefined;
  return judgeUnit(unit, JSON.parse(readFileSync(path, 'utf8')) as Report);
}

function main(only: readonly string[], print: boolean): number {
  mkdirSync(join(root, REPORTS), { recursive: true });
  const chosen = print ? [] : units.filter(({ file }) => only.length === 0 || only.includes(file));
  const failed = chosen.filter((unit) => !mutate(unit));
  const judged = units.map(judge).filter((one) => one !== undefined);
  const { lines, held } = tableOf(judged);
  for (const line of lines) say(line);
  for (const { file } of failed) say(`Stryker failed: ${file}`);
  return held && failed.length === 0 ? 0 : 1;
}

const [only = '', print = ''] = process.argv.slice(2);
process.exitCode = main(only.split(',').filter(Boolean), print === 'print');
