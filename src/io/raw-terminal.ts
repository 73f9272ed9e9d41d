/** Hands the caller's terminal over to the container's: every key goes there, every byte comes from there. */
import { kernel } from '../../runtime/syscall/libc.ts';

const STDIN = 0;

/** Returns the function that restores it; a normal exit also restores it. */
export function enterRawMode(stdin: NodeJS.ReadStream): () => void {
  stdin.setRawMode(true);
  // Raw mode as Node knows it still turns a line feed into carriage return and line feed. The container's terminal
  // has done that where it was wanted; a full-screen program that sends a bare line feed means "one line down".
  kernel.disableOutputProcessing(STDIN);
  return () => stdin.setRawMode(false);
}
