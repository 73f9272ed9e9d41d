/** "Are you sure?", as Docker asks before it prunes: on standard output, with an answer of one line from standard input. */
import { readSync } from 'node:fs';
import { stdout } from '../../io/standard-streams.ts';

/** Anything but y or yes is no, and so is the end of the input. */
export function confirm(question: string): boolean {
  stdout.write(`${question} [y/N] `);
  return ['y', 'yes'].includes(readLine().trim().toLowerCase());
}

/** Of an answer nobody needs more. */
const LONGEST = 1024;

function readLine(): string {
  const byte = Buffer.alloc(1);
  let line = '';
  while (line.length < LONGEST && readSync(0, byte) === 1 && byte[0] !== 0x0a)
    line += byte.toString('latin1');
  return line;
}
