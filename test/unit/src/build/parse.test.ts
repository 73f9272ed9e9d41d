/** What a Dockerfile's text means, compared with what BuildKit's frontend does with the same lines. */
import { describe, expect, test } from '@jest/globals';
import { parseDocument } from '../../../../src/build/parse/document.ts';
import { parseDockerfile } from '../../../../src/build/parse/dockerfile.ts';

const instructions = (text: string): readonly (readonly [string, string, number, number])[] =>
  parseDocument(text).instructions.map(({ keyword, rest, lines }) => [
    keyword,
    rest,
    lines.first,
    lines.last,
  ]);
const stage = (text: string) => parseDockerfile(`FROM scratch\n${text}\n`).stages[0]!.instructions;

describe('lines', () => {
  test('continue each other without the comments and empty lines between them', () => {
    expect(instructions('FROM a\nRUN a \\\n# comment\n  b \\\n\n  c\nrun x\n')).toEqual([
      ['FROM', 'a', 1, 1],
      ['RUN', 'a   b   c', 2, 6],
      ['RUN', 'x', 7, 7],
    ]);
  });

  test('end with \\r\\n, and begin with a byte order mark', () => {
    expect(instructions('\uFEFF# escape=`\r\nFROM a\r\nRUN b `\r\n c\r\n')).toEqual([
      ['FROM', 'a', 2, 2],
      ['RUN', 'b  c', 3, 4],
    ]);
  });

  test('a directive counts before the first comment only', () => {
    expect(parseDocument('# escape=`\n# syntax=x\nFROM a').directives).toEqual({ escape: '`', syntax: 'x' });
    expect(parseDocument('# hello\n# escape=`\nFROM a').directives).toEqual({ escape: '\\' });
  });

  test('a NUL byte is refused', () => {
    expect(() => parseDocument('FROM a\0')).toThrow('NUL');
  });
});

describe('here-documents', () => {
  test.each([
    ['RUN <<EOF\necho hi\n# no comment\n\nEOF\n', 'echo hi\n# no comment\n\n', 5],
    ['RUN <<-EOF\n\techo hi\n\tEOF\n', '\techo hi\n', 3],
    // The library takes these two lines for instructions: corrections.ts.
    ['RUN cat 3<<EOF\nhi\nEOF\n', 'hi\n', 3],
    ['ONBUILD RUN <<EOF\nhi\nEOF\n', 'hi\n', 3],
  ])('%j', (text, content, last) => {
    const [first, second, ...more] = parseDocument(`${text}RUN y\n`).instructions;
    expect(first).toMatchObject({ heredocs: [{ content }], lines: { first: 1, last } });
    expect(second).toMatchObject({ keyword: 'RUN', rest: 'y' });
    expect(more).toEqual([]);
  });

  test('several, of which quoted ones keep their variables', () => {
    const [copy] = stage('COPY <<"A" <<B /x/\na $x\nA\nb $x\nB');
    expect(copy).toMatchObject({
      sources: [],
      destination: '/x/',
      heredocs: [
        { name: 'A', content: 'a $x\n', expand: false },
        { name: 'B', content: 'b $x\n', expand: true },
      ],
    });
  });

  test('without an end it is an error', () => {
    expect(() => parseDocument('FROM a\nRUN <<EOF\nRUN y\n')).toThrow('unterminated heredoc');
  });
});

describe('instructions', () => {
  test('ENV in both forms', () => {
    expect(stage('ENV a=b "c d"=e\\ f\nENV x y  z')).toMatchObject([
      {
        pairs: [
          ['a', 'b'],
          ['"c d"', 'e\\ f'],
        ],
      },
      { pairs: [['x', 'y  z']] },
    ]);
  });

  test('RUN and CMD as a line and as a list', () => {
    expect(stage('RUN ["a", "b"]\nCMD [not json\nRUN --network=none --mount=target=/x,ro x')).toMatchObject([
      { command: { form: 'exec', args: ['a', 'b'] } },
      { command: { form: 'shell', line: '[not json' } },
      { command: { form: 'shell', line: 'x' }, network: 'none' },
    ]);
  });

  test('COPY with all its flags', () => {
    expect(
      stage('COPY --from=b --chown=1:2 --chmod=755 --link --exclude=*.o --exclude=x a b /c/'),
    ).toMatchObject([
      {
        from: 'b',
        chown: '1:2',
        chmod: '755',
        link: true,
        exclude: ['*.o', 'x'],
        sources: ['a', 'b'],
        destination: '/c/',
      },
    ]);
  });

  test('HEALTHCHECK with Go durations', () => {
    expect(stage('HEALTHCHECK --interval=1m30s --retries=3 CMD ["x"]\nHEALTHCHECK NONE')).toMatchObject([
      { interval: 90e9, retries: 3, command: { form: 'exec', args: ['x'] } },
      { command: undefined },
    ]);
  });

  test.each([
    ['NOSUCH x', 'unknown instruction: NOSUCH'],
    ['COPY a', 'at least two'],
    ['RUN --security=insecure x', '--security is not supported'],
    ['RUN --mount=type=nothing,target=/x y', 'unsupported mount type'],
    ['RUN --mount=type=cache y', '"target" is required'],
    ['COPY --nosuch a b', 'unknown flag: --nosuch'],
    ['SHELL sh', 'JSON form'],
    ['ONBUILD ONBUILD RUN x', 'Chaining'],
    ['ENV a', 'two arguments'],
    ['LABEL a=b c', "can't find = in"],
    ['CONSTRUCTOR x', 'unknown instruction'],
  ])('%s is refused', (line, message) => {
    expect(() => stage(line)).toThrow(message);
  });

  test('ARG may stand before FROM, and nothing else', () => {
    expect(parseDockerfile('ARG a=1 b\nFROM x AS Y').stages[0]).toMatchObject({
      name: 'y',
      from: { image: 'x' },
    });
    expect(() => parseDockerfile('RUN x\nFROM a')).toThrow('no build stage');
    expect(() => parseDockerfile('# nothing\n')).toThrow('no instructions');
  });
});
