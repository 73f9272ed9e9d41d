/**
 * The README's table of the article: every row of it names the lesson and the step that covers it. The table is made
 * from the lessons; with UPDATE_GOLDEN=1 it is written, without it is compared.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { format } from 'prettier';
import { allLessons } from '../../../../../src/teach/lab/lessons/index.ts';

const readme = join(import.meta.dirname, '../../../../../src/teach/README.md');

const ROWS: readonly (readonly [row: string, about: string])[] = [
  ['A1', 'veth pair'],
  ['A2', 'network namespaces'],
  ['A3', 'move the ends'],
  ['A4', 'addresses'],
  ['A5', 'bring up'],
  ['A6', 'test'],
  ['A7', 'neighbours'],
  ['B8a', 'host to namespace'],
  ['B8b', 'namespace to the world'],
  ['B8c', 'the world to the namespace'],
  ['C9', 'pairs for the bridge'],
  ['C10', 'bridge'],
  ['C11', 'plug in'],
  ['C12', 'addresses, up'],
  ['C13', 'test'],
  ['D:create the network namespace', ''],
  ['D:create the bridge', ''],
  ['D:create the veth pair', ''],
  ["D:attach one end to the container's namespace", ''],
  ['D:attach the other end to the bridge', ''],
  ['D:assign the address', ''],
  ['D:bring the interfaces up', ''],
  ['D:enable NAT (masquerade)', ''],
  ['D:host to container', ''],
  ['D:container to the world', ''],
  ['D:the world to the container', ''],
  ['E1', 'the same subnet on two links'],
  ['E2', 'no default route, no gateway'],
  ['E3', 'a port taken from those who pass through'],
  ['E4', 'FORWARD opened one way'],
  ['E5', 'old spellings'],
  ['E6', 'namespaces that exist already'],
];

const covering = (row: string): string[] =>
  allLessons.flatMap(({ name, steps }) =>
    steps.filter(({ article }) => article?.includes(row) === true).map(({ id }) => `\`${name}\`, ${id}`),
  );

test('every row has a step, and every step names a row there is', () => {
  expect(ROWS.map(([row]) => row).filter((row) => covering(row).length === 0)).toEqual([]);
  const named = allLessons.flatMap(({ steps }) => steps.flatMap(({ article }) => article ?? []));
  expect(named.filter((row) => !ROWS.some(([known]) => known === row))).toEqual([]);
});

test('the README tells it so', async () => {
  const lines = ROWS.map(
    ([row, about]) =>
      `| ${[row.replace(':', ': '), about].filter(Boolean).join(', ')} | ${covering(row).join('; ')} |`,
  );
  const raw = ['| row of the article | lesson, step |', '| --- | --- |', ...lines].join('\n');
  const table = (await format(raw, { parser: 'markdown' })).trim();
  const text = readFileSync(readme, 'utf8');
  const place = /(<!-- lessons -->\n)[\s\S]*?(<!-- end of lessons -->)/;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(
      readme,
      text.replace(place, (_, start: string, end: string) => `${start}\n${table}\n\n${end}`),
    );
  }
  expect(readFileSync(readme, 'utf8')).toContain(table);
});

test('names are unique, and a step is called by its id', () => {
  const names = allLessons.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, steps } of allLessons) {
    expect([name, new Set(steps.map(({ id }) => id)).size]).toEqual([name, steps.length]);
  }
});
