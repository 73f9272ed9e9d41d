import { expect, test } from '@jest/globals';
import { LinePrinter, type PrintOptions } from '../../../../src/engine/log-printer.ts';
import type { RecordKind } from '../../../../src/engine/state/logs/log-record.ts';

const ALL: PrintOptions = { since: undefined, until: undefined, timestamps: false };

async function print(
  records: readonly (readonly [RecordKind, bigint, string])[],
  options: Partial<PrintOptions>,
  skip = 0,
): Promise<readonly (readonly [number, string])[]> {
  const printed: [number, string][] = [];
  const printer = new LinePrinter(
    { ...ALL, ...options },
    (stream, bytes) => void printed.push([stream, bytes.toString()]),
    skip,
  );
  for (const [kind, time, text] of records) await printer.print({ kind, time, payload: Buffer.from(text) });
  return printed;
}

const RECORDS = [
  [1, 10n, 'ten\n'],
  [2, 20n, 'twenty\n'],
  [1, 30n, 'thirty\n'],
] as const;

test.each([
  [{}, 'ten twenty thirty'],
  // Both ends belong to it, as in Docker.
  [{ since: 20n }, 'twenty thirty'],
  [{ since: 21n }, 'thirty'],
  [{ until: 20n }, 'ten twenty'],
  [{ until: 19n }, 'ten'],
  [{ since: 20n, until: 20n }, 'twenty'],
])('%j prints %s', async (options, expected) => {
  const printed = await print(RECORDS, options);
  expect(printed.map(([, text]) => text.trim()).join(' ')).toBe(expected);
});

test('a line that comes in parts has one stamp, that of its first', async () => {
  const printed = await print(
    [
      [1, 0n, 'be'],
      [2, 1_000_000_000n, 'other\n'],
      [1, 2_000_000_000n, 'gin\nnext\n'],
      [1, 3_000_000_000n, 'last\n'],
    ],
    { timestamps: true },
  );
  expect(printed.map(([, text]) => text).join('')).toBe(
    '1970-01-01T00:00:00.000000000Z be' +
      '1970-01-01T00:00:01.000000000Z other\n' +
      'gin\n1970-01-01T00:00:02.000000000Z next\n' +
      '1970-01-01T00:00:03.000000000Z last\n',
  );
});

test('a gap is reported on standard error; --tail leaves leading lines out', async () => {
  expect(await print([[3, 0n, '[minidock: gap]\n']], {})).toEqual([[2, '[minidock: gap]\n']]);
  expect(await print([[1, 0n, 'a\nb\nc\n']], {}, 2)).toEqual([[1, 'c\n']]);
});
