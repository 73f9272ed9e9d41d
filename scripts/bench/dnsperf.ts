/** What dnsperf prints, as figures: only answers that hold what was asked for count as answers. */

export interface Lookups {
  /** Answers that hold what was asked for. */
  readonly good: number;
  readonly seconds: number;
  /** Of all answers' latencies, in seconds; undefined without any. */
  readonly median: number | undefined;
}

/** @param output of `dnsperf -O latency-histogram` */
export function readDnsperf(output: string): Lookups {
  const figure = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);
  return {
    good: figure(/NOERROR (\d+)/),
    seconds: figure(/Run time \(s\): +([\d.]+)/),
    median: medianOf(output),
  };
}

/** Of lines such as `  0.000124 - 0.000125:  2`, in order: the middle of the one where half of all are reached. */
function medianOf(output: string): number | undefined {
  const lines = [...output.matchAll(/^ +([\d.]+) - ([\d.]+): +(\d+)$/gm)];
  const buckets = lines.map(([, from, to, count]) => ({
    middle: (Number(from) + Number(to)) / 2,
    count: Number(count),
  }));
  let left = buckets.reduce((sum, { count }) => sum + count, 0) / 2;
  return buckets.find(({ count }) => (left -= count) <= 0)?.middle;
}
