/** Counts out of what `strace -f -y` has recorded: they depend on the program under it, not on the machine's speed. */
import { basename } from 'node:path';

export interface Costs {
  /** The programs that were really started, by name, in the order of their start. */
  readonly programs: readonly string[];
  /** Files opened, libraries and the kernel's own files included; what was not there does not count, nor what depends on time. */
  readonly opened: number;
  /** Files opened below the directories of interest. */
  readonly openedOfState: number;
  /** Bytes written to files there. */
  readonly written: number;
}

/** `directories`: those of interest, without a slash at the end. */
export function countCosts(record: string, directories: readonly string[]): Costs {
  const calls = completeCalls(record);
  const below = (path: string): boolean => directories.some((directory) => path.startsWith(`${directory}/`));
  const programs = calls.flatMap(({ call }) => {
    const program = /^execve\("([^"]*)"\.{0,3}.*= 0$/.exec(call)?.[1];
    return program === undefined ? [] : [basename(program)];
  });
  const opened = calls
    .flatMap(({ call }) => /^(?:openat|open|creat)\(.*= \d+<([^>]*)>$/.exec(call)?.[1] ?? [])
    .filter((path) => !OPENED_BY_CHANCE.test(path));
  const written = calls.flatMap(({ call }) => {
    const [, path = '', bytes = '0'] = /^(?:p?write(?:64)?|writev)\(\d+<([^>]*)>.*= (\d+)$/.exec(call) ?? [];
    return below(path) ? [Number(bytes)] : [];
  });
  return {
    programs,
    opened: opened.length,
    openedOfState: opened.filter(below).length,
    written: written.reduce((sum, bytes) => sum + bytes, 0),
  };
}

/** Bun's garbage collector looks at how large its process is, as often as time will have it. */
const OPENED_BY_CHANCE = /^\/proc\/\d+\/statm$/;

/** One entry a call: where another process came between, strace writes its begin and its end on lines of their own. */
function completeCalls(record: string): readonly { readonly pid: string; readonly call: string }[] {
  const begun = new Map<string, string>();
  const calls: { pid: string; call: string }[] = [];
  for (const line of record.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const unfinished = / <unfinished \.\.\.>$/.exec(rest);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (unfinished !== null) begun.set(pid, rest.slice(0, unfinished.index));
    else if (resumed !== null) calls.push({ pid, call: (begun.get(pid) ?? '') + (resumed[1] ?? '') });
    else if (rest !== '') calls.push({ pid, call: rest });
  }
  return calls;
}
