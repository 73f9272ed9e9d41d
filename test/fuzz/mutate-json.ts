/** Documents that are nearly right: somewhere in a good one stands something else, or its text is damaged. */
import type { Random } from './random.ts';

const strange: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    '',
    ' ',
    'x',
    '../../x',
    'sha256:',
    'sha512:abc',
    [],
    {},
    [[]],
  ],
  ...['\0', '\n', '\ud800', '\u202e', 'x'.repeat(5000), [null], { a: null }, '1', 'true', '9'.repeat(40)],
  `sha256:${'0'.repeat(64)}`,
  `sha256:${'A'.repeat(64)}`,
  Array.from({ length: 600 }, () => 'x'),
];
const strangeKeys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'a.b',
  '\0',
  'x'.repeat(300),
  'config',
  'layers',
];

/** As text, which may be no JSON at all. */
export function randomJson(random: Random, document: unknown): Buffer {
  let changed = document;
  for (let left = random.int(4); left > 0; left--) changed = change(changed, random);
  const text = Buffer.from(JSON.stringify(changed));
  return random.chance(0.15) ? damaged(text, random) : text;
}

function change(value: unknown, random: Random): unknown {
  const stays = typeof value === 'object' && value !== null && random.chance(0.85);
  if (!stays) return random.pick(strange);
  if (Array.isArray(value)) {
    const list = [...(value as readonly unknown[])];
    const at = random.int(list.length + 1);
    if (at === list.length || random.chance(0.15)) list.splice(at, 0, random.pick([...list, ...strange]));
    else if (random.chance(0.15)) list.splice(at, 1);
    else list[at] = change(list[at], random);
    return list;
  }
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const at = random.int(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined) entries.push([random.pick(strangeKeys), random.pick(strange)]);
  else if (random.chance(0.1)) entries.splice(at, 1);
  else entries[at] = [random.chance(0.05) ? random.pick(strangeKeys) : entry[0], change(entry[1], random)];
  // Not a literal: `__proto__` is to be a key like any other.
  return Object.fromEntries(entries);
}

function damaged(text: Buffer, random: Random): Buffer {
  const at = random.int(text.length + 1);
  switch (random.int(4)) {
    case 0:
      return text.subarray(0, at);
    case 1:
      return Buffer.concat([text.subarray(0, at), Buffer.from([random.int(256)]), text.subarray(at)]);
    case 2:
      return Buffer.concat([text, text.subarray(at)]);
    default:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text]);
  }
}
