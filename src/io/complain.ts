/** Words on standard error by descriptor, where it has to go on although they may not get out. */
import { writeSync } from 'node:fs';

export function complain(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // A full disk, or a terminal that has hung up: there is nobody left to tell.
  }
}
