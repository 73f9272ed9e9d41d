/** The question before a prune. Only a line that is `y` means yes; the end of the input means no. */
import { createInterface } from 'node:readline';
import { stdout } from '../../io/standard-streams.ts';

export async function confirm(warning: string): Promise<boolean> {
  stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line.trim().toLowerCase() === 'y';
    return false;
  } finally {
    lines.close();
    process.stdin.pause();
  }
}
