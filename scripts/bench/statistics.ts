/**
 * The few numbers that sum up many: median and spread of one measurement's rounds, and how a cost grows with size.
 * Medians and percentiles, not means: a round that something else disturbed must not move the result.
 */

/** Between the two nearest samples, by distance; p from 0 to 1. @throws on no samples at all. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * p;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('percentile: no samples');
  return below + (above - below) * (position - Math.floor(position));
}

export interface Summary {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly count: number;
}

export function summarize(samples: readonly number[]): Summary {
  return {
    median: percentile(samples, 0.5),
    p10: percentile(samples, 0.1),
    p90: percentile(samples, 0.9),
    count: samples.length,
  };
}

export interface Point {
  readonly size: number;
  readonly cost: number;
}

/** Least squares: what one more costs. 0 for fewer than two different sizes. */
export function slope(points: readonly Point[]): number {
  const n = points.length;
  const meanSize = points.reduce((sum, { size }) => sum + size, 0) / n;
  const meanCost = points.reduce((sum, { cost }) => sum + cost, 0) / n;
  const spread = points.reduce((sum, { size }) => sum + (size - meanSize) ** 2, 0);
  if (n < 2 || spread === 0) return 0;
  return points.reduce((sum, { size, cost }) => sum + (size - meanSize) * (cost - meanCost), 0) / spread;
}

/** The k of cost ~ size^k: 0 does not grow, 1 grows with the size. Only what is above zero counts. */
export function exponent(points: readonly Point[]): number {
  const logs = points
    .filter(({ size, cost }) => size > 0 && cost > 0)
    .map(({ size, cost }) => ({ size: Math.log(size), cost: Math.log(cost) }));
  return slope(logs);
}
