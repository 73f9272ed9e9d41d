/** Writes to standard error by its descriptor and ignores errors: the caller goes on in any case. */
import { writeSync } from 'node:fs';

export function warnStderr(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // A full disk, or a terminal that has hung up: nothing can receive the message.
  }
}
