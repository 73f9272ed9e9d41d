/** The caller's terminal handed over whole to a container's own: every key goes there, every byte comes from there. */
import { kernel } from '../../runtime/syscall/libc.ts';

const STDIN = 0;

/** Gives what restores it; at a normal exit that happens by itself as well. */
export function enterRawMode(stdin: NodeJS.ReadStream): () => void {
  stdin.setRawMode(true);
  // Raw mode as Node knows it still turns a line feed into carriage return and line feed. The container's terminal
  // has done that where it was wanted; a full-screen program that sends a bare line feed means "one line down".
  kernel.disableOutputProcessing(STDIN);
  return () => stdin.setRawMode(false);
}
