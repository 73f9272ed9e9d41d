/**
 * A program that is a list of system calls: what a process that is about to enter a container becomes (enter.ts). A
 * JavaScript engine has threads, so it cannot enter a user namespace nor leave its siblings behind in another PID
 * namespace, and no child that it forks may run any JavaScript. So it works everything out, writes it down as calls,
 * and executes this program in its own place: one page of code, the table, and nothing else in memory.
 *
 *     reaper ──┬── wait for the preparer, write(channel, report), close all, exit with the program's status
 *              └─ preparer: `prepare` …; clone(CLONE_PARENT | CLONE_VFORK) ──┬── sleeps until execve, then exits
 *                                                                            └─ program: `become` …, execve
 *
 * CLONE_PARENT makes the program the reaper's child, CLONE_VFORK lets the preparer sleep until execve(2) has succeeded
 * or the program is dead; there is no CLONE_VM, so nobody who traces the child reaches the memory of the two others.
 * All that the three share is one page with the report (call-report.ts). CLONE_PARENT_SETTID notes in it that there is a
 * program: the preparer is in the container's cgroup, and is killed with it at any moment.
 */
import { callCode, END, PARENT_WORD } from './call-machine.ts';
import { BORN, ENTRY_SIZE, REPORT_SIZE } from './call-report.ts';
import { PR_SET_DUMPABLE, PR_SET_NAME } from './constants.ts';
import { bytesOf, wordOf, type Argument } from './ffi.ts';
import { syscallNumbers, type SyscallName } from './numbers.ts';
import { DATA, DataLayout, elfImage } from './tiny-elf.ts';

export interface ListedCall {
  readonly name: SyscallName;
  readonly args: readonly Argument[];
}

export interface CallProgram {
  /** Descriptor, left open for the program: it gets a report of sixteen bytes (readReport), then its end. */
  readonly channel: number;
  /** Descriptor, left open for the reaper: it gets the program's status, four bytes as wait4(2) writes them. */
  readonly result?: number;
  /** By a process that is the only one to use its descriptors; those from 3 on are closed at the end. */
  readonly prepare: readonly ListedCall[];
  /** By the child, with what a program is to have and no more; the last one is execve(2). */
  readonly become: readonly ListedCall[];
}

const SIGCHLD = 17;
const CLONE_VFORK = 0x4000;
const CLONE_PARENT = 0x8000;
const CLONE_PARENT_SETTID = 0x100000;
const [PROT_READ, PROT_WRITE] = [1, 2];
const [MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS] = [1, 0x10, 0x20];
/** Below the code, above what vm.mmap_min_addr keeps free. */
const REPORT = 0x200000;
const PAGE = 4096;
const LAST_FD = 0xffffffff;

interface Entry extends ListedCall {
  /** Index of the entry at which the parent of a fork goes on. */
  readonly parent?: number;
}

/** All calls in the table's order, which is how a report counts them; `arch` as in process.arch. */
function entriesOf({ channel, result, prepare, become }: CallProgram): readonly Entry[] {
  const begin: readonly Entry[] = [
    // Of a process that is not dumpable, nobody without CAP_SYS_PTRACE opens /proc/PID.
    { name: 'prctl', args: [PR_SET_DUMPABLE, 0] },
    { name: 'prctl', args: [PR_SET_NAME, 'minidock'] },
    {
      name: 'mmap',
      args: [REPORT, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1, 0],
    },
  ];
  const preparing: readonly Entry[] = [...prepare, { name: 'close_range', args: [3, LAST_FD, 0] }];
  const preparer = begin.length + 1 + preparing.length + 1 + become.length;
  return [
    ...begin,
    { name: 'clone', args: [SIGCHLD], parent: preparer + 1 },
    ...preparing,
    {
      name: 'clone',
      args: [CLONE_PARENT | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD, 0, REPORT + BORN],
      parent: preparer,
    },
    ...become,
    // The preparer. Nobody looks at its status.
    { name: 'exit_group', args: [0] },
    // The reaper.
    { name: 'wait4', args: [0, 0, 0, 0] },
    { name: 'write', args: [channel, REPORT, REPORT_SIZE] },
    ...(result === undefined ? [closing(0)] : reporting(result)),
  ];
}

const closing = (from: number, to = LAST_FD): Entry => ({ name: 'close_range', args: [from, to, 0] });

/** Waits here, so that nothing is left to wait for at the end of the table, where the status of the reaper comes from. */
const reporting = (result: number): readonly Entry[] => [
  closing(0, result - 1),
  closing(result + 1),
  { name: 'wait4', args: [ALL_CHILDREN, STATUS, 0, 0] },
  { name: 'write', args: [result, STATUS, STATUS_SIZE] },
];

const ALL_CHILDREN = -1;
/** Behind the report, on the same page. */
const STATUS = REPORT + REPORT_SIZE;
const STATUS_SIZE = 4;

/** The table's address in memory, for the reader of a report. */
export const CALL_TABLE = DATA;

export function callProgramImage(arch: string, program: CallProgram): Buffer {
  const numbers = syscallNumbers(arch);
  const entries = entriesOf(program);
  const data = new DataLayout();
  const words = new BigUint64Array(((entries.length + 1) * ENTRY_SIZE) / 8);
  // First, so that its address is known: its words are filled in behind.
  const table = data.add(bytesOf(words));
  const status = data.add(new Uint8Array(4));
  const place = (bytes: Uint8Array): bigint => BigInt(data.add(bytes));
  entries.forEach(({ name, args, parent }, index) => {
    const at = (index * ENTRY_SIZE) / 8;
    words[at] = BigInt(numbers[name]);
    args.forEach((arg, n) => (words[at + 1 + n] = BigInt.asUintN(64, wordOf(arg, place))));
    if (parent !== undefined) words[at + PARENT_WORD] = BigInt(table + parent * ENTRY_SIZE);
  });
  words[(entries.length * ENTRY_SIZE) / 8] = BigInt.asUintN(64, END);
  const code = callCode(arch, { table, report: REPORT, status, channel: program.channel });
  return elfImage(arch, code, data.bytes);
}

/** All calls in the order by which a report counts: those of `program` themselves, among the ones that hold them together. */
export const callsOf = (program: CallProgram): readonly ListedCall[] => entriesOf(program);
