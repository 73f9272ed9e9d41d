import { describe, expect, test } from '@jest/globals';
import type { PullEvent, PullPhase } from '../../../../images/pull.ts';
import { createPullProgress } from '../../../../src/ui/progress.ts';

interface Screen {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly written: string[];
  writeRaw(text: string): boolean;
}

function screen(changes: Partial<Screen> = {}): Screen {
  const written: string[] = [];
  return {
    isTTY: true,
    columns: 80,
    rows: 24,
    written,
    writeRaw: (text) => written.push(text) > 0,
    ...changes,
  };
}

const event = (layer: string, phase: PullPhase, current = 0, total = 0): PullEvent => ({
  layer,
  phase,
  current,
  total,
});

/** What a terminal shows in the end: the cursor moves up, and all below it is cleared. */
function shown(written: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const text of written) {
    const up = /^\u001b\[(\d+)A/.exec(text);
    if (up !== null) lines.splice(lines.length - Number(up[1]));
    lines.push(
      ...text
        .replace(/^(\u001b\[\d+A)?\r\u001b\[J/, '')
        .split('\n')
        .slice(0, -1),
    );
  }
  return lines;
}

const nextDraw = async (output: Screen): Promise<void> => {
  const before = output.written.length;
  while (output.written.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('on a terminal', () => {
  test('a line for each layer, redrawn in place', async () => {
    const output = screen();
    const progress = createPullProgress(output);
    progress.event(event('aaaaaaaaaaaa', 'pulling'));
    progress.event(event('bbbbbbbbbbbb', 'downloading', 12_400_000, 31_000_000));
    await nextDraw(output);
    progress.event(event('aaaaaaaaaaaa', 'complete'));
    progress.event(event('bbbbbbbbbbbb', 'extracting', 31_000_000, 31_000_000));
    progress.finish();
    progress.finish();
    expect(output.written.length).toBe(2);
    expect(output.written[0]).toContain('bbbbbbbbbbbb: Downloading [=============>');
    expect(output.written[0]).toContain(']  12.4MB/31MB\n');
    expect(shown(output.written)).toEqual([
      'aaaaaaaaaaaa: Pull complete',
      expect.stringMatching(/^bbbbbbbbbbbb: Extracting \[=+\] {2}31MB\/31MB$/),
    ]);
  });

  test.each([20, 40, 60, 80, 200])('no line is wider than %d columns', (columns) => {
    const output = screen({ columns });
    const progress = createPullProgress(output);
    progress.event(event('aaaaaaaaaaaa', 'downloading', 999_900_000, 999_900_000));
    progress.event(event('bbbbbbbbbbbb', 'verifying'));
    progress.finish();
    const widths = shown(output.written).map((line) => [...line].length);
    expect(Math.max(...widths)).toBeLessThan(columns);
    if (columns >= 60) expect(output.written.join('')).toContain('1GB/1GB');
  });

  test('more layers than rows: the finished ones give way, in the end all are shown', async () => {
    const output = screen({ rows: 5 });
    const progress = createPullProgress(output);
    for (let i = 0; i < 9; i++) progress.event(event(`layer${i}`, i < 5 ? 'complete' : 'downloading', 1, 10));
    await nextDraw(output);
    expect(output.written[0]?.split('\n').length).toBeLessThanOrEqual(5);
    expect(output.written[0]).toContain('layer5: Downloading');
    expect(output.written[0]).toContain('6 more layers waiting or complete');
    progress.finish();
    expect(shown(output.written).length).toBe(9);
  });
});

test('elsewhere one line for each phase that matters', () => {
  const output = screen({ isTTY: false });
  const progress = createPullProgress(output);
  for (const phase of [
    'pulling',
    'downloading',
    'downloading',
    'verifying',
    'extracting',
    'complete',
  ] as const) {
    progress.event(event('aaaaaaaaaaaa', phase, 1, 2));
  }
  progress.event(event('bbbbbbbbbbbb', 'exists'));
  progress.finish();
  expect(output.written.join('')).toBe(
    'aaaaaaaaaaaa: Pulling fs layer\naaaaaaaaaaaa: Pull complete\nbbbbbbbbbbbb: Already exists\n',
  );
});
