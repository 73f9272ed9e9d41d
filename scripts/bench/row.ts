/**
 * One row of the benchmark: samples by subject, and targets that are judged on the medians. A subject is an engine
 * ('minidock', 'docker', 'podman') or whatever stands beside them ('shell', 'container address', …).
 *
 * Targets are ratios within the same run wherever they can be, because machines differ.
 */
import { percentile } from './statistics.ts';

export const SUBJECT = 'minidock';

export type Unit = 'ms' | 'per s' | 'MB' | 'Gbit/s';

export interface RatioTarget {
  readonly factor: number;
  /** The best of those that were measured counts. */
  readonly against: readonly string[];
  /** Whose figure it is about; minidock's unless given. */
  readonly of?: string;
}

export interface LimitTarget {
  readonly limit: number;
  readonly of?: string;
}

export type Target = RatioTarget | LimitTarget;

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly better: 'lower' | 'higher';
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly targets: readonly Target[];
}

export interface Verdict {
  /** '≤ 0.20 × docker, podman'. */
  readonly target: string;
  /** The ratio, or the figure itself for a limit; undefined if one side was not measured. */
  readonly value: number | undefined;
  readonly met: boolean | undefined;
}

export const RIVALS = ['docker', 'podman'] as const;

export function medianOf(row: Row, subject: string): number | undefined {
  const samples = row.samples[subject];
  return samples === undefined || samples.length === 0 ? undefined : percentile(samples, 0.5);
}

export function judge(row: Row): readonly Verdict[] {
  return row.targets.map((target) => {
    const figure = medianOf(row, target.of ?? SUBJECT);
    const sign = row.better === 'lower' ? '≤' : '≥';
    const of = target.of === undefined ? '' : `${target.of}: `;
    const meets = (value: number, bound: number): boolean =>
      row.better === 'lower' ? value <= bound : value >= bound;
    if ('limit' in target) {
      const met = figure === undefined ? undefined : meets(figure, target.limit);
      return { target: `${of}${sign} ${target.limit} ${row.unit}`, value: figure, met };
    }
    const text = `${of}${sign} ${target.factor} × ${target.against.join(', ')}`;
    const reference = best(
      row,
      target.against.map((name) => medianOf(row, name)),
    );
    if (figure === undefined || reference === undefined)
      return { target: text, value: undefined, met: undefined };
    const ratio = figure / reference;
    return { target: text, value: ratio, met: meets(ratio, target.factor) };
  });
}

function best(row: Row, medians: readonly (number | undefined)[]): number | undefined {
  const known = medians.filter((median) => median !== undefined);
  if (known.length === 0) return undefined;
  return row.better === 'lower' ? Math.min(...known) : Math.max(...known);
}
