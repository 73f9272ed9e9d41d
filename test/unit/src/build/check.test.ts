/** Build checks by BuildKit's names. */
import { expect, test } from '@jest/globals';
import { checkDockerfile, refuseFindings } from '../../../../src/build/check/check.ts';
import { pageOf } from '../../../../src/build/check/finding.ts';
import { parseIgnore } from '../../../../src/build/context/ignore.ts';
import { parseDockerfile } from '../../../../src/build/parse/dockerfile.ts';

function found(text: string): readonly string[] {
  return checkDockerfile(parseDockerfile(text), {
    globals: new Map([['TARGETPLATFORM', 'linux/amd64']]),
    buildArgs: new Map(),
    rules: parseIgnore('skipped\n'),
    baseEnv: (image) => (image === 'base' ? ['HOME'] : undefined),
  }).map(({ rule, lines }) => `${String(lines.first)} ${rule}`);
}

test.each([
  ['FROM base', []],
  ['FROM base AS Foo', ['1 StageNameCasing']],
  ['FROM base as foo', ['1 FromAsCasing']],
  ['from base as foo', []],
  ['FROM base\nRUN a \\\n\n  b', ['2 NoEmptyContinuation']],
  ['FROM base\nRUN a \\\n# comment\n  b', []],
  ['FROM base\nRUN <<E\na \\\n\nE', []],
  ['FROM base\nWorkdir /a', ['2 ConsistentInstructionCasing']],
  ['FROM base AS a\nFROM base AS a', ['2 DuplicateStageName']],
  ['FROM base AS scratch', ['1 ReservedStageName']],
  ['FROM base\nCMD a b', ['2 JSONArgsRecommended']],
  ['FROM base\nSHELL ["sh","-c"]\nCMD a b', []],
  ['FROM base\nMAINTAINER me', ['2 MaintainerDeprecated']],
  ['FROM x$nothing', ['1 UndefinedArgInFrom']],
  ['ARG tag\nFROM x:$tag', ['2 InvalidDefaultArgInFrom']],
  ['ARG tag=1\nFROM x:$tag', []],
  ['FROM base\nWORKDIR a', ['2 WorkdirRelativePath']],
  ['FROM base\nWORKDIR /x\nWORKDIR a', []],
  ['FROM base\nLABEL a=$HOME b=$nothing', ['2 UndefinedVar']],
  ['FROM base AS a\nENV x=1\nFROM a\nLABEL a=$x b=${y:-z}', []],
  ['FROM unknown\nLABEL a=$nothing', []],
  ['FROM base\nRUN echo $nothing', []],
  ['FROM base\nCMD ["a"]\nCMD ["b"]', ['2 MultipleInstructionsDisallowed']],
  ['FROM base\nENV a b', ['2 LegacyKeyValueFormat']],
  ['FROM base\nENV a="b c" d=e', []],
  ['FROM --platform=$TARGETPLATFORM base', ['1 RedundantTargetPlatform']],
  ['FROM --platform=linux/amd64 base', ['1 FromPlatformFlagConstDisallowed']],
  ['FROM base\nARG DB_PASSWORD\nENV PUBLIC_KEY=a', ['2 SecretsUsedInArgOrEnv']],
  ['FROM base\nCOPY skipped /', ['2 CopyIgnoredFile']],
  ['FROM base\nEXPOSE 80/TCP', ['2 ExposeProtoCasing']],
  ['FROM base\nEXPOSE 8080:80', ['2 ExposeInvalidFormat']],
  ['# check=skip=JSONArgsRecommended\nFROM base\nCMD a\nMAINTAINER me', ['4 MaintainerDeprecated']],
  ['# check=skip=all\nFROM base\nCMD a', []],
])('%j', (text, expected) => {
  expect(found(`${text}\n`)).toEqual(expected);
});

test('error=true refuses a build with warnings, and names the rules', () => {
  const text = '# check=error=true\nFROM base\nCMD a\n';
  const dockerfile = parseDockerfile(text);
  const finding = { rule: 'JSONArgsRecommended', message: '', lines: { first: 3, last: 3 } };
  expect(() => refuseFindings(dockerfile, [finding])).toThrow(
    'lint violation found for rules: JSONArgsRecommended',
  );
  refuseFindings(dockerfile, []);
});

test('a rule has a page', () => {
  expect(pageOf('JSONArgsRecommended')).toMatch(/\/json-args-recommended\/$/);
  expect(pageOf('FromAsCasing')).toMatch(/\/from-as-casing\/$/);
});
