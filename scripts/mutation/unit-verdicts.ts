/**
 * What Stryker says of a module (its JSON schema), against the survivors that test/mutation/units.ts explains. An
 * explanation counts for the mutants on its line that become what it says; one that no survivor needs is stale.
 */
import type { Survivor, Unit } from '../../test/mutation/units.ts';

export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

export interface Judged {
  readonly file: string;
  readonly killed: number;
  readonly explained: number;
  /** A line for each: where, and what became of it. */
  readonly survived: readonly string[];
  readonly stale: readonly Survivor[];
}

const KILLED = new Set(['Killed', 'Timeout']);
const LEFT = new Set(['Survived', 'NoCoverage']);
const NONE: readonly Survivor[] = [];

/** Words of hints are compared in the e2e and golden tests, which a unit test would only repeat. */
const isHint = (line: string, { mutatorName }: Mutant): boolean =>
  mutatorName === 'StringLiteral' && line.trim().startsWith('hint:');

export function judgeUnit(unit: Unit, report: Report): Judged {
  const { source, mutants } = report.files[unit.file] ?? { source: '', mutants: [] };
  const lines = source.split('\n');
  const lineOf = (mutant: Mutant): string => lines[mutant.location.start.line - 1] ?? '';
  const left = mutants.filter(({ status }) => LEFT.has(status));
  const explains = (survivor: Survivor, mutant: Mutant): boolean =>
    lineOf(mutant).includes(survivor.line) && (mutant.replacement ?? '') === survivor.becomes;
  const list = unit.survives ?? NONE;
  const open = left.filter(
    (mutant) => !isHint(lineOf(mutant), mutant) && !list.some((one) => explains(one, mutant)),
  );
  return {
    file: unit.file,
    killed: mutants.filter(({ status }) => KILLED.has(status)).length,
    explained: left.length - open.length,
    survived: open.map(
      ({ location: { start }, mutatorName, replacement = '', ...rest }) =>
        `${unit.file}:${start.line}:${start.column} ${mutatorName}: ${lineOf({ location: { start }, mutatorName, replacement, ...rest }).trim()} => ${replacement.replaceAll('\n', ' ')}`,
    ),
    stale: list.filter((one) => !left.some((mutant) => explains(one, mutant))),
  };
}

/** At least so many of the mutants that a test can kill. */
const ENOUGH = 0.95;

export function tableOf(judged: readonly Judged[]): {
  readonly lines: readonly string[];
  readonly held: boolean;
} {
  const row = (name: string, list: readonly Judged[]): string => {
    const sum = (of: (one: Judged) => number): number => list.reduce((total, one) => total + of(one), 0);
    const [killed, explained, survived] = [
      sum((one) => one.killed),
      sum((one) => one.explained),
      sum((one) => one.survived.length),
    ];
    const share = killed + survived === 0 ? 1 : killed / (killed + survived);
    const cells = [killed, explained, survived, `${(share * 100).toFixed(1)} %`];
    return name.padEnd(44) + cells.map((cell) => String(cell).padStart(11)).join('');
  };
  const heads = ['killed', 'explained', 'survived', 'share'].map((head) => head.padStart(11)).join('');
  return {
    lines: [
      ...judged.flatMap(({ survived }) => survived.map((line) => `survived: ${line}`)),
      ...judged.flatMap(({ file, stale }) =>
        stale.map(({ line }) => `explained, but killed: ${file}: ${line}`),
      ),
      `${'module'.padEnd(44)}${heads}`,
      ...judged.map((one) => row(one.file, [one])),
      row('all', judged),
    ],
    held: judged.every(
      ({ killed, survived, stale }) => stale.length === 0 && killed >= ENOUGH * (killed + survived.length),
    ),
  };
}
