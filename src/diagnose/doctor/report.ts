/** The output of `doctor`: a line for each finding; below a problem, what it means and what to type. */
import { oneLine, printable } from '../../../runtime/printable.ts';
import { areaOf, AREAS, isCommand, type Finding, type Level } from './finding.ts';
import type { Mended } from './examine.ts';
import type { Colors } from '../../ui/colors.ts';

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok', warning: 'warning', problem: 'problem' };
const WIDTH = Math.max(...Object.values(MARKS).map((mark) => mark.length));
const INDENT = ' '.repeat(WIDTH + 4);

export function renderReport(findings: readonly Finding[], colors: Colors): string {
  const parts = AREAS.flatMap((area) => {
    const own = findings.filter((finding) => areaOf(finding) === area);
    return own.length === 0
      ? []
      : [`${colors.bold(area)}\n${own.map((one) => renderFinding(one, colors)).join('')}`];
  });
  return `${parts.join('\n')}\n${summary(findings, colors)}\n`;
}

function renderFinding(finding: Finding, colors: Colors): string {
  const { level, todo = [] } = finding;
  const what = oneLine(finding.what);
  const means = finding.means === undefined ? undefined : oneLine(finding.means);
  const paint = { ok: colors.green, warning: colors.yellow, problem: colors.red }[level];
  const mark = paint(MARKS[level]) + ' '.repeat(WIDTH - MARKS[level].length);
  const lines = [`  ${mark}  ${what}`];
  if (level === 'ok') return `${lines.join('')}${means === undefined ? '' : `. ${means}`}\n`;
  if (means !== undefined) lines.push(`${INDENT}${means}`);
  for (const line of todo) {
    const [first = '', ...rest] = printable(line).split('\n');
    lines.push(
      `${INDENT}${isCommand(line) ? colors.cyan(`$ ${first}`) : first}`,
      ...rest.map((more) => `${INDENT}  ${more}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

function summary(findings: readonly Finding[], colors: Colors): string {
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (problems + warnings === 0) return colors.green('All is well.');
  const own = findings.filter(({ mend }) => mend !== undefined).length;
  const counts = [counted(problems, 'problem'), counted(warnings, 'warning')].filter((text) => text !== '');
  const offer = own === 0 ? '' : ` minidock doctor --fix repairs ${String(own)} of them.`;
  return `${counts.join(', ')}.${offer}`;
}

const counted = (number: number, word: string): string =>
  number === 0 ? '' : `${String(number)} ${word}${number === 1 ? '' : 's'}`;

export function renderMended(mended: readonly Mended[], colors: Colors): string {
  return mended
    .map(({ finding, commands, error }) =>
      error === undefined
        ? `${colors.green('repaired')}  ` +
          `${oneLine(finding.what)}\n${commands.map((each) => renderRun(each, colors)).join('')}`
        : `${colors.red('not repaired')}  ${oneLine(finding.what)}: ${printable(error)}\n`,
    )
    .join('');
}

const renderRun = (command: string, { cyan }: Colors): string => {
  const [first = '', ...rest] = printable(command).split('\n');
  return [`        ${cyan(`$ ${first}`)}`, ...rest.map((more) => `          ${more}`), ''].join('\n');
};

/** For programs: the same, and whether `--fix` would repair it. */
export function reportJson(findings: readonly Finding[], mended: readonly Mended[]): object {
  return {
    well: findings.every(({ level }) => level === 'ok'),
    findings: findings.map((finding) => ({
      id: finding.id,
      area: areaOf(finding),
      level: finding.level,
      what: finding.what,
      means: finding.means ?? '',
      todo: finding.todo ?? [],
      mendable: finding.mend !== undefined,
    })),
    mended: mended.map(({ finding, commands, error }) => ({
      id: finding.id,
      what: finding.what,
      commands,
      error: error ?? null,
    })),
  };
}
