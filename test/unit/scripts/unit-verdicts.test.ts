/** Stryker's report of a module against the survivors that are explained. */
import { expect, test } from '@jest/globals';
import { judgeUnit, tableOf, type Report } from '../../../scripts/mutation/unit-verdicts.ts';

const source = `const [a = ''] = b;
  hint: 'some words',
return a > 1;
`;
const mutant = (
  line: number,
  mutatorName: string,
  replacement: string,
  status: string,
): Report['files'][string]['mutants'][number] => ({
  mutatorName,
  replacement,
  status,
  location: { start: { line, column: 1 } },
});
const report = (...mutants: Report['files'][string]['mutants']): Report => ({
  files: { 'x.ts': { source, mutants } },
});
const reason = 'the type asks for it';

test('what a test or an endless loop ends is killed; words of a hint are explained, its other parts are not', () => {
  const judged = judgeUnit(
    { file: 'x.ts' },
    report(
      mutant(3, 'EqualityOperator', 'a >= 1', 'Killed'),
      mutant(3, 'ConditionalExpression', 'true', 'Timeout'),
      mutant(2, 'StringLiteral', '""', 'Survived'),
      mutant(2, 'ObjectLiteral', '{}', 'Survived'),
      mutant(3, 'EqualityOperator', 'a < 1', 'NoCoverage'),
    ),
  );
  expect(judged).toEqual({
    file: 'x.ts',
    killed: 2,
    explained: 1,
    survived: [
      "x.ts:2:1 ObjectLiteral: hint: 'some words', => {}",
      'x.ts:3:1 EqualityOperator: return a > 1; => a < 1',
    ],
    stale: [],
  });
});

test('an explanation is for one change of one line, and stale where that is killed', () => {
  const survives = [
    { line: "[a = '']", becomes: '"x"', why: reason },
    { line: 'return a', becomes: '"x"', why: reason },
  ];
  const judged = judgeUnit(
    { file: 'x.ts', survives },
    report(
      mutant(1, 'StringLiteral', '"x"', 'Survived'),
      mutant(1, 'StringLiteral', '"y"', 'Survived'),
      mutant(3, 'StringLiteral', '"x"', 'Killed'),
    ),
  );
  expect(judged).toMatchObject({ killed: 1, explained: 1, stale: [survives[1]] });
  expect(judged.survived).toHaveLength(1);
});

test('19 of 20 are enough for a module, 18 are not, nor is a stale explanation', () => {
  const judged = (survived: number, stale = 0): Parameters<typeof tableOf>[0][number] => ({
    file: 'x.ts',
    killed: 20 - survived,
    explained: 3,
    survived: Array.from({ length: survived }, () => 'here'),
    stale: Array.from({ length: stale }, () => ({ line: 'there', becomes: '', why: reason })),
  });
  expect(tableOf([judged(1), judged(0)]).held).toBe(true);
  expect(tableOf([judged(2), judged(0)]).held).toBe(false);
  expect(tableOf([judged(0, 1)]).held).toBe(false);
  expect(tableOf([judged(1)]).lines).toEqual([
    'survived: here',
    expect.stringMatching(/^module +killed +explained +survived +share$/),
    expect.stringMatching(/^x\.ts +19 +3 +1 +95\.0 %$/),
    expect.stringMatching(/^all +19 +3 +1 +95\.0 %$/),
  ]);
});
