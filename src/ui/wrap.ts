/** Breaks prose at spaces so that no line is longer than `width`, the first one after a prefix of its own. */
import { oneLine } from '../../runtime/printable.ts';

export function wrap(text: string, width: number, prefix: string, indent: string): string {
  const lines: string[] = [];
  let line = prefix;
  let empty = true;
  for (const part of text.split(/\s+/).filter((some) => some !== '')) {
    const word = oneLine(part);
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}
