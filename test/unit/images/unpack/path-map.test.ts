import { expect, test } from '@jest/globals';
import { PathMap } from '../../../../images/unpack/path-map.ts';
import { isWithin } from '../../../../images/unpack/paths.ts';

/** Numbers that look random and are the same each time. */
function numbers(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

test('is what a plain map of paths is', () => {
  const next = numbers();
  const map = new PathMap<string>();
  const plain = new Map<string, string>();
  for (let i = 0; i < 3000; i++) {
    const path = Array.from({ length: next(5) }, () => 'abc'[next(3)] ?? '').join('/');
    switch (next(4)) {
      case 0:
      case 1:
        map.set(path, String(i));
        plain.set(path, String(i));
        break;
      case 2:
        map.delete(path);
        plain.delete(path);
        break;
      default: {
        if (path === '') break;
        const gone: string[] = [];
        map.deleteWithin(path, (at, value) => gone.push(`${at} ${value}`));
        const expected = [...plain].filter(([at]) => isWithin(at, path));
        expect(gone.sort()).toEqual(expected.map(([at, value]) => `${at} ${value}`).sort());
        for (const [at] of expected) plain.delete(at);
      }
    }
    expect([map.size, map.get(path)]).toEqual([plain.size, plain.get(path)]);
    expect(map.someOnWay(path, (value) => value.endsWith('0'))).toBe(
      [...plain].some(([at, value]) => isWithin(path, at) && value.endsWith('0')),
    );
  }
  const seen: string[] = [];
  map.forEach((path) => {
    expect(seen.some((before) => isWithin(path, before) && path !== before)).toBe(false);
    seen.push(path);
  });
  expect(seen.sort()).toEqual([...plain.keys()].sort());
});
