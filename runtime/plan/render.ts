/** Signatures first; the implementation follows. */
import type { Command } from './command.ts';
/** A command as it would be typed into a shell, every word quoted where it needs to be. May hold several lines. */
export function renderCommand(_command: Command): string {
  throw new Error('not written yet');
}
