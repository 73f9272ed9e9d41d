import { describe, expect, test } from '@jest/globals';
import { DEFAULT_DETACH_KEYS, DetachWatcher, parseDetachKeys } from '../../../../src/io/detach-keys.ts';

test.each([
  [DEFAULT_DETACH_KEYS, [16, 17]],
  ['ctrl-a', [1]],
  ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]],
  ['a,B,ctrl-z', [97, 66, 26]],
  ['', []],
])('%j', (text, keys) => {
  expect(parseDetachKeys(text)).toEqual(keys);
});

test.each(['ctrl-', 'ctrl-ab', 'alt-p', 'ctrl-p,,ctrl-q', 'ab'])('%j is refused', (text) => {
  expect(() => parseDetachKeys(text)).toThrow(/invalid detach keys/);
});

describe('watching', () => {
  /** Feeds each word as one chunk; what was passed on, and whether the end was a detach. */
  function typed(...chunks: readonly string[]): { passed: string; detach: boolean } {
    const watcher = new DetachWatcher(parseDetachKeys('ctrl-p,ctrl-q'));
    let passed = '';
    for (const chunk of chunks) {
      const { forward, detach } = watcher.feed(Buffer.from(chunk, 'latin1'));
      passed += forward.toString('latin1');
      if (detach) return { passed, detach };
    }
    return { passed, detach: false };
  }

  test.each([
    [['abc'], 'abc', false],
    [['a\x10\x11'], 'a', true],
    [['\x10', '\x11'], '', true],
    [['\x10'], '', false],
    [['\x10', 'x'], '\x10x', false],
    [['\x10\x10\x11'], '\x10', true],
    [['\x11\x10x\x11'], '\x11\x10x\x11', false],
    [['\x10\x11rest'], '', true],
  ])('%j', (chunks, passed, detach) => {
    expect(typed(...chunks)).toEqual({ passed, detach });
  });

  test('without keys nothing is held back', () => {
    const all = Buffer.from([16, 17]);
    expect(new DetachWatcher([]).feed(all)).toEqual({ forward: all, detach: false });
  });
});
