/** The benchmark's own arithmetic: a wrong median or verdict would be believed by everyone who reads the table. */
import { describe, expect, test } from '@jest/globals';
import { renderChart } from '../../../scripts/bench/chart.ts';
import { readDnsperf } from '../../../scripts/bench/dnsperf.ts';
import { parseOptions } from '../../../scripts/bench/options.ts';
import { judge, type Row } from '../../../scripts/bench/row.ts';
import { exponent, percentile, slope, summarize } from '../../../scripts/bench/statistics.ts';
import {
  digits,
  formatCell,
  formatVerdict,
  renderGrowth,
  renderSummary,
  renderTable,
} from '../../../scripts/bench/table.ts';

const row: Row = {
  id: 'run',
  title: 'run --rm <IMG> & true',
  unit: 'ms',
  better: 'lower',
  samples: { minidock: [30, 20, 1000], docker: [200], podman: [100, 120], shell: [25] },
  targets: [
    { factor: 0.2, against: ['docker', 'podman'] },
    { factor: 1.3, against: ['shell'] },
    { limit: 40 },
    { factor: 1, against: ['not there'] },
  ],
};

describe('statistics', () => {
  test('a percentile lies between its neighbours, whatever the order', () => {
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([30, 10, 20], 0.5)).toBe(20);
    expect(percentile([10, 20], 0.9)).toBeCloseTo(19);
    expect(percentile([7], 0.1)).toBe(7);
    expect(() => percentile([], 0.5)).toThrow('no samples');
  });

  test('one disturbed round moves the end of the spread, not the median', () => {
    const { median, p90, count } = summarize([10, 10, 10, 10, 1000]);
    expect({ median, count }).toEqual({ median: 10, count: 5 });
    expect(p90).toBeGreaterThan(500);
  });

  test('slope is what one more costs, the exponent how cost follows size', () => {
    const linear = [1, 10, 100].map((size) => ({ size, cost: 3 * size }));
    expect(slope(linear)).toBeCloseTo(3);
    expect(exponent(linear)).toBeCloseTo(1);
    const constant = [1, 10, 100].map((size) => ({ size, cost: 5 }));
    expect(slope(constant)).toBeCloseTo(0);
    expect(exponent(constant)).toBeCloseTo(0);
    expect(exponent([1, 2, 4].map((size) => ({ size, cost: size ** 2 })))).toBeCloseTo(2);
    expect(slope([{ size: 1, cost: 1 }])).toBe(0);
  });
});

test('of dnsperf, good answers count, and the latency is the median of its histogram', () => {
  const output = [
    '  Queries completed:    10 (100.00%)',
    '  Response codes:       NOERROR 8 (80.00%), SERVFAIL 2 (20.00%)',
    '  Run time (s):         1.250000',
    'Latency bucket (s): answer count',
    '  0.000100 - 0.000101:  4',
    '  0.000200 - 0.000203:  3',
    '  0.047104 - 0.048127:  3',
  ].join('\n');
  const { median, ...rest } = readDnsperf(output);
  expect(rest).toEqual({ good: 8, seconds: 1.25 });
  expect(median).toBeCloseTo(0.0002015, 9);
  expect(readDnsperf('  Queries completed:    0 (0.00%)')).toEqual({
    good: 0,
    seconds: 0,
    median: undefined,
  });
});

describe('targets', () => {
  test('the faster rival counts, and a limit is a figure', () => {
    const verdicts = judge(row);
    expect(verdicts[0]?.value).toBeCloseTo(30 / 110);
    expect(verdicts.map(({ met }) => met)).toEqual([false, true, true, undefined]);
    expect(verdicts.map(formatVerdict)).toEqual([
      '≤ 0.2 × docker, podman: 0.27 MISSED',
      '≤ 1.3 × shell: 1.20 met',
      '≤ 40 ms: 30.0 met',
      '≤ 1 × not there: not measured',
    ]);
  });

  test('where more is better, the best rival is the one with most', () => {
    const rate: Row = {
      ...row,
      unit: 'per s',
      better: 'higher',
      samples: { minidock: [95], docker: [50], podman: [100] },
      targets: [
        { factor: 0.9, against: ['docker', 'podman'] },
        { factor: 1, against: ['podman'] },
      ],
    };
    expect(judge(rate).map(({ value, met }) => [value, met])).toEqual([
      [0.95, true],
      [0.95, false],
    ]);
  });
});

describe('the report', () => {
  test('figures keep three digits, in seconds when they are many', () => {
    expect([0.0123, 0.5, 7.6, 41.04, 5041].map(digits)).toEqual(['0.012', '0.50', '7.60', '41.0', '5,041']);
    expect(formatCell([12_000, 14_000, 16_000], 'ms')).toBe('14.0 s (12.4–15.6)');
    expect(formatCell([7.6], 'ms')).toBe('7.60 ms');
    expect(formatCell(undefined, 'ms')).toBe('');
  });

  test('a row has a cell for every engine, and all others beside them', () => {
    const lines = renderTable([row]).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]?.split(' | ').map((cell) => cell.trim())).toEqual([
      '| run --rm <IMG> & true',
      '30.0 ms (22.0–806)',
      '200 ms',
      '110 ms (102–118)',
      'shell 25.0 ms',
      expect.stringContaining('0.27 MISSED; ≤ 1.3 × shell'),
    ]);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });

  test('the targets are counted', () => {
    expect(renderSummary([row])).toBe('2 targets met, 1 missed, 1 not measured');
  });

  test('growth is printed with every size and its slope', () => {
    const points = { minidock: [1, 1000].map((size) => ({ size, cost: 10 + size / 100 })) };
    const text = renderGrowth([{ title: 'ps, by containers', unit: 'ms', points }]);
    expect(text).toContain('1: 10.0 ms, 1,000: 20.0 ms');
    expect(text).toMatch(/ 10\.0 ms +\| size\^0\.10 /);
  });

  test('the picture has a bar for each subject, in proportion, and words escaped', () => {
    const svg = renderChart([row], 'one & two');
    const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(4);
    expect(widths[1]! / widths[0]!).toBeCloseTo(200 / 30, 1);
    expect(svg).toContain('run --rm &lt;IMG&gt; &amp; true');
    expect(svg).toContain('one &amp; two');
  });
});

const GROWTHS = ['ports', 'lines'];
const parse = (words: readonly string[], works: readonly string[]) => parseOptions(words, works, GROWTHS);

test('options', () => {
  expect(parse([], ['start'])).toMatchObject({
    growth: [],
    alone: false,
    only: ['start'],
    out: '.cache/bench',
  });
  expect(parse(['--quick', '--only', 'start', '--out', 'x', '--growth', '--alone'], ['start'])).toMatchObject(
    {
      scale: { name: 'quick' },
      growth: GROWTHS,
      alone: true,
      only: ['start'],
      out: 'x',
    },
  );
  expect(parse(['--quick'], ['start', 'pull'])).toMatchObject({ only: ['start'] });
  expect(parse(['--quick', '--only', 'pull'], ['start', 'pull'])).toMatchObject({ only: ['pull'] });
  expect(parse(['--only', 'none', '--growth=ports'], ['start'])).toMatchObject({
    only: [],
    growth: ['ports'],
  });
  expect(() => parse(['--growth=money'], ['start'])).toThrow('no such thing: money. There are ports, lines');
  expect(() => parse(['--only', 'nothing'], ['start'])).toThrow('no such thing: nothing');
  expect(() => parse(['--only'], ['start'])).toThrow('--only needs a value');
  expect(() => parse(['--fast'], ['start'])).toThrow('unknown: --fast');
});
