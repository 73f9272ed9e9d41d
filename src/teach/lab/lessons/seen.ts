/**
 * Shared checks of the lessons beyond the network: shell questions to the kernel about the lab's host or any process
 * in it. They look at every process in /proc, so that it does not matter which commands the learner used.
 */
import type { LabHost, Requirement } from '../lesson.ts';

/**
 * `own KIND` tells whether process $p ("/proc/PID") is in another namespace than the lab's own PID 1; `cap SET BIT`
 * whether the capability of that number is in the set (CapEff, CapBnd) of $p; `filters` how many filters of system
 * calls it has beside the lab's own, which PID 1 has and all inherit; `mount_at PATH` prints the line of mountinfo(5)
 * of the mount that $p sees at a path: what lies below another mount is in the table, too.
 */
const PRELUDE = `
own() { n=$(readlink "$p/ns/$1") && [ "$n" != "$(readlink "/proc/1/ns/$1")" ]; }
field() { sed -n "s/^$1:[[:space:]]*//p" "$p/status"; }
filters() { echo $(( $(field Seccomp_filters) - $(p=/proc/1; field Seccomp_filters) )); }
mount_at() {
  id=$(sed -n 's/^mnt_id:[[:space:]]*//p' /proc/self/fdinfo/9 9<"$p/root$1") && grep "^$id " "$p/mountinfo"
}
cap() { [ $(( (0x$(field "$1") >> $2) & 1 )) = 1 ]; }
`;

/** The script's status decides. */
export function need(text: string, script: string): Requirement {
  return { text, holds: (host) => succeeds(host, `${PRELUDE}\n${script}`) };
}

/** Holds when the script succeeds for at least one process: $p is its directory in /proc, $pid its number. */
export function needProcess(text: string, script: string): Requirement {
  return { text, holds: (host) => succeeds(host, forEachProcess(`if ${script}; then exit 0; fi`, 'exit 1')) };
}

/** Holds when two processes for which the script succeeds share a namespace of a kind, which is not the lab's own. */
export function needPair(text: string, kind: string, script = ':'): Requirement {
  const each = `if own ${kind} && ${script}; then readlink "$p/ns/${kind}"; fi`;
  return {
    text,
    holds: (host) => succeeds(host, `(${forEachProcess(each, ':')}) | sort | uniq -d | grep -q .`),
  };
}

function forEachProcess(each: string, end: string): string {
  // A process that exits while we look fails only its own check.
  return `${PRELUDE}
for p in /proc/[0-9]*; do
  pid=\${p#/proc/}
  ${each}
done
${end}`;
}

async function succeeds(host: LabHost, script: string): Promise<boolean> {
  return (await host.run(['sh', '-c', script])).status === 0;
}
