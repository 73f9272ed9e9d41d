/** Checks of how a Dockerfile is written, line by line. Pure. */
import type { Document } from '../parse/document.ts';
import type { Finding } from './finding.ts';

export function checkText({ instructions, lines, directives }: Document): readonly Finding[] {
  const found: Finding[] = [];
  const words = instructions.map((raw) => {
    const line = (lines[raw.lines.first - 1] ?? '').trimStart();
    const [word = ''] = /^\S+/.exec(line) ?? [];
    return { raw, word, line };
  });
  const upper = words.filter(({ word }) => word === word.toUpperCase()).length;
  const lower = words.filter(({ word }) => word === word.toLowerCase()).length;
  const majority = lower > upper ? 'lowercase' : 'uppercase';
  for (const { raw, word, line } of words) {
    const wanted = majority === 'lowercase' ? word.toLowerCase() : word.toUpperCase();
    if (word !== wanted)
      found.push({
        rule: 'ConsistentInstructionCasing',
        message: `Command '${word}' should match the case of the command majority (${majority})`,
        lines: raw.lines,
      });
    if (raw.keyword === 'FROM') found.push(...checkFrom(word, line, raw.lines));
    const empty = emptyLine(lines, raw.lines, directives.escape);
    // A here-document may have any lines.
    if (empty && raw.heredocs.length === 0)
      found.push({
        rule: 'NoEmptyContinuation',
        message: `Empty continuation line found in: ${line.trim()}`,
        lines: raw.lines,
      });
  }
  return found;
}

function checkFrom(word: string, line: string, lines: Finding['lines']): readonly Finding[] {
  const [, as = '', name = ''] = /\s(as)\s+(\S+)\s*$/i.exec(line) ?? [];
  if (as === '') return [];
  const found: Finding[] = [];
  const sameCase = (word === word.toUpperCase()) === (as === as.toUpperCase());
  if (!sameCase)
    found.push({
      rule: 'FromAsCasing',
      message: `'${as}' and '${word}' keywords' casing do not match`,
      lines,
    });
  if (name !== name.toLowerCase())
    found.push({ rule: 'StageNameCasing', message: `Stage name '${name}' should be lowercase`, lines });
  return found;
}

function emptyLine(lines: readonly string[], { first, last }: Finding['lines'], escape: string): boolean {
  for (let at = first; at < last; at++) {
    const before = lines.slice(first - 1, at).findLast((line) => !line.trimStart().startsWith('#')) ?? '';
    if ((lines[at] ?? '').trim() === '' && before.trimEnd().endsWith(escape)) return true;
  }
  return false;
}
