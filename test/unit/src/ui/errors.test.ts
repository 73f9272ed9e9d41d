import { describe, expect, test } from '@jest/globals';
import { ImageError } from '../../../../images/errors.ts';
import { MinidockError } from '../../../../runtime/errors.ts';
import { StepError } from '../../../../runtime/plan/step-error.ts';
import { CommandError } from '../../../../runtime/plan/perform-host.ts';
import { colorsFor, wantsColor } from '../../../../src/ui/colors.ts';
import { exitStatus, renderError } from '../../../../src/ui/errors.ts';

const paint =
  (name: string) =>
  (text: string): string =>
    `<${name}>${text}</${name}>`;
const colors = {
  bold: paint('b'),
  dim: paint('dim'),
  red: paint('red'),
  green: paint('green'),
  yellow: paint('yellow'),
  cyan: paint('cyan'),
};

describe('errors', () => {
  test('one line, then what to do', () => {
    const error = new MinidockError({
      code: 'PORT_IN_USE',
      message: 'port 8080 is in use',
      hint: 'Try -p 8081:80',
    });
    expect(renderError(error)).toBe('minidock: port 8080 is in use\nTry -p 8081:80\n');
    expect(renderError(new ImageError({ code: 'X', message: 'no such image' }))).toBe(
      'minidock: no such image\n',
    );
  });

  test('a failed step: what, the command, its words, what was undone, what to do', () => {
    const command = new CommandError(
      { kind: 'run', argv: ['ip', 'link', 'add', 'mdv1', 'type', 'veth'] },
      'RTNETLINK answers: File exists\n',
      'Try again.',
    );
    const error = new StepError(
      { id: 'veth.create', title: 'Create the veth pair' },
      command,
      'Undone: netns.create',
    );
    expect(renderError(error, { colors })).toBe(
      [
        '<red>minidock:</red> step veth.create (Create the veth pair) failed',
        '  <dim>$</dim> ip link add mdv1 type veth',
        '    RTNETLINK answers: File exists',
        '  Undone: netns.create',
        'Try again.',
        '',
      ].join('\n'),
    );
  });

  test('a full disk says what to do', () => {
    const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(renderError(error)).toContain('Free some space');
  });

  test('words from elsewhere cannot play with the terminal', () => {
    const error = Object.assign(new Error('bad \x1b]0;title\x07 and\r\x9b2J\tok\nmore'), { code: 'X' });
    expect(renderError(error)).toBe('minidock: bad \\x1b]0;title\\x07 and\\x0d\\x9b2J\tok\nmore\n');
  });

  test("the program's own faults show where they are", () => {
    expect(renderError(new TypeError('x is not a function'))).toMatch(
      /^minidock: internal error: TypeError: x is not a function\n\s+at /,
    );
    expect(renderError('a string')).toBe('minidock: internal error: a string\n');
  });

  test('exit status: the error’s own, else Docker’s for the verb', () => {
    expect(exitStatus(new MinidockError({ code: 'X', message: 'm', exitCode: 127 }), 'run')).toBe(127);
    expect(exitStatus(new MinidockError({ code: 'X', message: 'm' }), 'run')).toBe(125);
    expect(exitStatus(new MinidockError({ code: 'X', message: 'm' }), 'rm')).toBe(1);
    expect(exitStatus(new TypeError('m'), 'ps')).toBe(125);
  });
});

describe('colour', () => {
  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
  ])('terminal %s, environment %j: %s', (isTTY, environment, expected) => {
    expect(wantsColor({ isTTY }, environment)).toBe(expected);
  });

  test('none where none is wanted, chalk’s elsewhere', async () => {
    expect((await colorsFor({ isTTY: false })).red('x')).toBe('x');
    const saved = { ...process.env };
    delete process.env['NO_COLOR'];
    process.env['FORCE_COLOR'] = '1';
    try {
      expect((await colorsFor({ isTTY: true })).red('x')).toBe('\u001b[31mx\u001b[39m');
    } finally {
      process.env = saved;
    }
  });
});
