/**
 * Which file the program's name means, and what to say when it means none. Runs as the container's user, inside
 * its root. Error words are runc's (Go's os/exec), exit codes the shell's: 127 not found, 126 not executable.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { errnoOf } from '../syscall/error.ts';

export function findExecutable(program: string, env: readonly string[]): string {
  if (program.includes('/')) {
    const failure = whyNotExecutable(program);
    if (failure === undefined) return program;
    throw notExecutable(program, failure);
  }
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  for (const directory of path.split(':')) {
    // An empty element would mean the current directory, where anyone may have put a file of that name.
    if (directory === '') continue;
    const candidate = `${directory}/${program}`;
    if (whyNotExecutable(candidate) === undefined) return candidate;
  }
  throw new MinidockError({
    code: 'ENOENT',
    message: `exec: ${quote(program)}: executable file not found in $PATH`,
    exitCode: 127,
  });
}

function whyNotExecutable(path: string): string | undefined {
  try {
    if (statSync(path).isDirectory()) return 'EISDIR';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === '') throw error;
    return errno;
  }
}

function notExecutable(program: string, errno: string): MinidockError {
  const found = errno !== 'ENOENT' && errno !== 'ENOTDIR';
  const words: Readonly<Record<string, string>> = {
    EISDIR: 'is a directory',
    EACCES: 'permission denied',
    ENOENT: `stat ${program}: no such file or directory`,
    ENOTDIR: `stat ${program}: not a directory`,
    ELOOP: `stat ${program}: too many levels of symbolic links`,
  };
  return new MinidockError({
    code: errno,
    message: `exec: ${quote(program)}: ${words[errno] ?? errno}`,
    exitCode: found ? 126 : 127,
  });
}

/** What execve(2) itself refused, a script whose interpreter is missing for instance. */
export function execFailed(path: string, errno: string, reason: string): MinidockError {
  const words = errno === 'ENOEXEC' ? 'exec format error' : reason;
  return new MinidockError({
    code: errno,
    message: `exec ${path}: ${words}`,
    exitCode: errno === 'ENOENT' ? 127 : 126,
    ...(errno === 'ENOENT'
      ? { hint: 'The file is there, but its interpreter (the #! line, or the dynamic loader) is not.' }
      : {}),
    ...(errno === 'ENOEXEC'
      ? {
          hint: 'The file is not a program for this machine: another platform’s image, or a script without #! line.',
        }
      : {}),
  });
}

const quote = (text: string): string => JSON.stringify(text);
