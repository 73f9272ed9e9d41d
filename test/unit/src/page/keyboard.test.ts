/** Where arrow keys lead in a picture, its words, and what a lesson announces. */
import { describe, expect, test } from '@jest/globals';
import { layOut } from '../../../../src/diagnose/graph/layout.ts';
import type { Interface, Model, Namespace } from '../../../../src/diagnose/graph/model.ts';
import type { LessonInfo, LessonState } from '../../../../src/page/messages.ts';
import { checkNews, lessonNews } from '../../../../src/page/browser/lesson-news.ts';
import { neighbour, placesOf, type Direction } from '../../../../src/page/picture/neighbours.ts';
import { wordsFor } from '../../../../src/page/picture/words.ts';

const link = (index: number, name: string, more: Partial<Interface> = {}): Interface => ({
  ...{ index, name, kind: 'veth', mac: '02:00:00:00:00:01', mtu: 1500, up: true, carrier: true },
  addresses: [],
  ...more,
});
const namespace = (inode: number, label: string, interfaces: readonly Interface[]): Namespace => ({
  ...{ inode, label, interfaces, kind: inode === 1 ? 'host' : 'namespace', path: `/run/netns/${label}` },
  ...{ containers: [], processes: [], routes: [] },
});

/** The host with a cable to red, one with both ends in it, and one between red and blue. */
const model: Model = {
  here: 1,
  namespaces: [
    namespace(1, 'this host', [
      link(1, 'lo', { kind: 'loopback' }),
      link(2, 'br0', { kind: 'bridge', addresses: ['10.0.0.1/24', 'fe80::1/64'] }),
      link(3, 'p-red', { master: 2 }),
      link(4, 'loop-a', { up: false }),
      link(5, 'loop-b', { carrier: false }),
    ]),
    namespace(2, 'red', [link(2, 'eth0', { addresses: ['10.0.0.2/24'] }), link(3, 'to-blue')]),
    namespace(3, 'blue', [link(2, 'to-red')]),
  ],
  cables: [
    { a: { inode: 1, index: 3 }, b: { inode: 2, index: 2 } },
    { a: { inode: 1, index: 4 }, b: { inode: 1, index: 5 } },
    { a: { inode: 2, index: 3 }, b: { inode: 3, index: 2 } },
  ],
  ...{ published: [], idle: [], chains: [], forwarding: true, disagreements: [], unconnected: 0 },
};

/** The parts that these keys lead to, one after the other. */
function walk(from: string, ...directions: readonly Direction[]): readonly string[] {
  const places = placesOf(layOut(model, { width: 'natural' }));
  let at = places.find(({ key }) => key === from)!;
  let came: string | undefined;
  return directions.map((direction) => {
    const next = neighbour(places, at, direction, came);
    if (next === undefined) return 'nowhere';
    [came, at] = [at.key, next];
    return next.key;
  });
}

describe('arrow keys', () => {
  test('up and down go through the host, and stop at its ends', () => {
    expect(walk('1', 'up', 'down', 'down', 'down', 'down', 'down', 'down')).toEqual([
      ...['nowhere', '1/1', '1/4', '1/5', '1/2', '1/3', 'nowhere'],
    ]);
  });

  test('left and right follow a cable, from end to end and back', () => {
    expect(walk('1/3', 'right', 'right', 'left', 'left')).toEqual([
      ...['cable 1/3-2/2', '2/2', 'cable 1/3-2/2', '1/3'],
    ]);
  });

  test('a cable whose ends are on one side leads on, not back', () => {
    expect(walk('1/4', 'right', 'left')).toEqual(['cable 1/4-1/5', '1/5']);
    expect(walk('1/5', 'right', 'left')).toEqual(['cable 1/4-1/5', '1/4']);
    expect(walk('2/3', 'right', 'left', 'right', 'left')).toEqual([
      ...['cable 2/3-3/2', '3/2', 'cable 2/3-3/2', '2/3'],
    ]);
  });

  test('without a cable they lead to the nearest part of the next column', () => {
    expect(walk('2', 'left')).toEqual([expect.stringMatching(/^cable /)]);
    expect(walk('1', 'left')).toEqual(['nowhere']);
  });

  test('each part can be reached, and has words', () => {
    const { parts } = wordsFor(model);
    const keys = placesOf(layOut(model, { width: 'natural' })).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(parts.get(key)).toBeDefined();
  });
});

describe('the picture in words', () => {
  test('says what is connected to what', () => {
    const { summary, parts, list } = wordsFor(model, new Set(['3', '2/3']));
    expect(summary).toBe('This host, and 2 namespaces beside it: red, blue. 3 cables. Forwarding is on.');
    expect(parts.get('1')).toBe('This host: 5 interfaces');
    expect(parts.get('1/2')).toBe('br0: bridge, up, 10.0.0.1/24');
    expect(parts.get('1/3')).toBe('p-red: veth, up, port of br0, cable to eth0 in red');
    expect(parts.get('1/4')).toBe('loop-a: veth, down, cable to loop-b in this host');
    expect(parts.get('1/5')).toBe('loop-b: veth, up but without carrier, cable to loop-a in this host');
    expect(parts.get('cable 1/3-2/2')).toBe('Cable between p-red in this host and eth0 in red');
    expect(parts.get('3')).toBe('Not there yet: Network namespace blue: 1 interface');
    expect(parts.get('2/3')).toBe('Not there yet: to-blue: veth, up, cable to to-red in blue');
    expect(list.map(({ lines }) => lines.length)).toEqual([5, 2, 1]);
  });

  test('an end that cannot be seen is said', () => {
    const lost = { ...model, cables: [{ a: { inode: 2, index: 2 }, b: undefined }] };
    const { summary, parts } = wordsFor(lost);
    expect(parts.get('2/2')).toBe('eth0: veth, up, 10.0.0.2/24, cable to an end that cannot be seen');
    expect(summary).toContain('1 cable.');
  });
});

describe('news of a lesson', () => {
  const step = (id: string, title: string): LessonInfo['steps'][number] => ({
    ...{ id, title, task: '', hints: ['look', 'look again'], solution: [], requirements: ['a', 'b'] },
  });
  const lesson: LessonInfo = {
    ...{ name: 'x', group: 'cable', title: 'X', story: '', epilogue: '', done: [] },
    steps: [step('one', 'First'), step('two', 'Second')],
  };
  const state = (at: number, hints: number, ...holds: readonly boolean[]): LessonState => ({
    ...{ step: at, hints },
    verdicts: holds.map((one, i) => ({ text: i === 0 ? 'a' : 'b', holds: one })),
  });

  test.each([
    ['nothing before the first state', undefined, state(0, 0, false, false), ''],
    ['nothing without a change', state(0, 0, false, true), state(0, 0, false, true), ''],
    ['a check that holds', state(0, 0, false, false), state(0, 0, true, false), 'Reached: a.'],
    ['a check that does no longer', state(0, 0, true, false), state(0, 0, false, false), 'Missing again: a.'],
    ['a step', state(0, 0, true, true), state(1, 0, false), 'Step 1 is reached. Step 2 of 2: Second.'],
    ['the last step', state(1, 0), state(2, 0), 'Step 2 is reached. You have done all steps of this lesson.'],
    ['a reset', state(1, 0), state(0, 0), 'Step 1 of 2: First.'],
    ['a hint', state(0, 1, false), state(0, 2, false), 'Hint: look again'],
  ] as const)('%s', (_, before, now, words) => {
    expect(lessonNews(lesson, before, now)).toBe(words);
  });

  test('a check that was asked for says what is missing', () => {
    expect(checkNews(state(0, 0, true, false))).toBe('Not yet. Missing: b.');
    expect(checkNews(state(0, 0, true, true))).toBe('');
  });
});
