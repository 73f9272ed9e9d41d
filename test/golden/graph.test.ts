/** The picture of one made-up network in every format, wide and narrow, with and without a marked path. */
import { expect, test } from '@jest/globals';
import { renderGraph } from '../../src/diagnose/graph/draw.ts';
import { expectGolden } from '../support/golden.ts';
import { sampleModel } from '../support/sample-network.ts';

test('text at 80 columns', () => {
  expectGolden('graph-80.txt', renderGraph(sampleModel, { width: 80 }));
});

test('text at 120 columns, a path marked', () => {
  expectGolden('graph-120-marked.txt', renderGraph(sampleModel, { width: 120, mark: 'web' }));
});

test('ASCII has the same places, and nothing else in it', () => {
  const text = renderGraph(sampleModel, { width: 80, ascii: true });
  expectGolden('graph-80-ascii.txt', text);
  expect(text).not.toMatch(/[^\n\x20-\x7e]/);
  const widths = (picture: string): readonly number[] => picture.split('\n').map(({ length }) => length);
  expect(widths(text)).toEqual(widths(renderGraph(sampleModel, { width: 80 })));
});

test('dot, Mermaid and SVG', () => {
  for (const format of ['dot', 'mermaid', 'svg'] as const) {
    expectGolden(`graph.${format}`, renderGraph(sampleModel, { format, mark: 'web' }));
  }
});

test('no line is longer than the terminal is wide, from 70 columns on', () => {
  for (let width = 70; width <= 160; width += 1) {
    const lines = renderGraph(sampleModel, { width, mark: 'db' }).split('\n');
    expect([width, lines.filter((line) => line.length > width)]).toEqual([width, []]);
  }
});

test('what is not in the picture cannot be marked', () => {
  expect(() => renderGraph(sampleModel, { mark: 'nobody' })).toThrow('there is no nobody in the picture');
});
