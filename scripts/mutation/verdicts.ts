/**
 * Verdicts that are kept: a line of JSON for each, appended as it is reached, so that a run of hours can be put
 * together from pieces, several at once. The last line about a mutant counts. A mutant is known by its text: one that
 * is rewritten has no verdict.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Layer, Mutant } from '../../test/mutation/mutant.ts';
import type { Verdict } from './judge.ts';

export interface Outcome {
  readonly layer: Layer;
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

const key = ({ file, text, becomes }: Mutant): string => JSON.stringify([file, text, becomes]);

export interface Verdicts {
  of(mutant: Mutant): Verdict | undefined;
  keep(outcome: Outcome): void;
}

export function verdictsIn(path: string | undefined): Verdicts {
  const known = new Map<string, Verdict>();
  if (path !== undefined && existsSync(path)) {
    for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
      const { mutant, verdict } = JSON.parse(line) as Outcome;
      known.set(key(mutant), verdict);
    }
  }
  return {
    of: (mutant) => known.get(key(mutant)),
    keep: (outcome) => {
      known.set(key(outcome.mutant), outcome.verdict);
      if (path !== undefined) appendFileSync(path, `${JSON.stringify(outcome)}\n`);
    },
  };
}

/** A line for each layer and one for all, and whether each that was run is killed or explained. */
export function summarize(outcomes: readonly Outcome[]): {
  readonly lines: readonly string[];
  readonly held: boolean;
} {
  const layers = [...new Set(outcomes.map(({ layer }) => layer))];
  const rows = [
    ...layers.map((layer) =>
      count(
        layer,
        outcomes.filter((outcome) => outcome.layer === layer),
      ),
    ),
    count('all', outcomes),
  ];
  const total = rows[rows.length - 1];
  const able = total === undefined ? 0 : total.killed + total.survived;
  const heads = ['layer', 'run', 'killed', 'explained', 'survived', 'invalid'] as const;
  const cells = rows.map((row) => heads.map((head) => String(row[head])));
  const lines = [[...heads], ...cells].map((row) =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(14) : cell.padStart(10))).join(''),
  );
  const share = able === 0 ? 0 : (100 * (total?.killed ?? 0)) / able;
  return {
    lines: [...lines, `${share.toFixed(1)} % of those that can be killed are killed`],
    held: (total?.survived ?? 0) + (total?.invalid ?? 0) === 0,
  };
}

interface Row {
  readonly layer: string;
  readonly run: number;
  readonly killed: number;
  readonly explained: number;
  readonly survived: number;
  readonly invalid: number;
}

function count(layer: string, outcomes: readonly Outcome[]): Row {
  const of = (holds: (outcome: Outcome) => boolean): number => outcomes.filter(holds).length;
  const lives = ({ verdict }: Outcome): boolean => verdict.kind === 'survived';
  const explained = of((outcome) => lives(outcome) && outcome.mutant.survives !== undefined);
  return {
    layer,
    run: outcomes.length,
    killed: of(({ verdict }) => verdict.kind === 'killed'),
    explained,
    survived: of(lives) - explained,
    invalid: of(({ verdict }) => verdict.kind === 'invalid'),
  };
}
