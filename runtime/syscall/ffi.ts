/**
 * The one door to libc: syscall(2) itself, called through bun:ffi. Raw system calls rather than libc's wrappers,
 * for two reasons. glibc's setresuid() and its kin interrupt every thread of the process to change them all, and
 * Bun has threads; a raw call changes the calling thread only, which is the one that goes on to execve(2). And
 * each symbol that is bound costs start-up time, so one symbol is bound instead of forty.
 *
 * The library is opened at the first call, so importing this costs nothing and works on Node too.
 */
import type * as Ffi from 'bun:ffi';
import { SyscallError } from './error.ts';
import { syscallNumbers, type SyscallName } from './numbers.ts';

/** Numbers pass as they are; strings as C strings, byte arrays and the others by address. */
export type Argument = number | string | Uint8Array | readonly string[] | Structure;

/** 64-bit words; bytes in it are an address too. */
export interface Structure {
  readonly words: readonly (bigint | Uint8Array)[];
}

/** What makes a system call, or writes down that it is to be made. */
export type Call = (name: SyscallName, ...args: readonly Argument[]) => number;

interface Libc {
  readonly syscall: (number: number, args: readonly number[]) => number;
  readonly errno: () => number;
  readonly addressOf: (bytes: Uint8Array) => number;
  readonly strerror: (errno: number) => string;
}

const LIBRARIES = ['libc.so.6', 'ld-musl-x86_64.so.1', 'ld-musl-aarch64.so.1'];

function openLibc(): Libc {
  // A static import of a bun: module would keep Node, and with it the unit tests, from loading this file.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const ffi = require('bun:ffi') as typeof Ffi;
  const word = 'int64_t';
  let more: { readonly strerror: (errno: number) => unknown } | undefined;
  let failure: unknown;
  for (const name of LIBRARIES) {
    try {
      const { symbols } = ffi.dlopen(name, {
        syscall: { args: [word, word, word, word, word, word, word], returns: word },
        __errno_location: { args: [], returns: 'ptr' },
      });
      return {
        syscall: (number, a) =>
          Number(symbols.syscall(number, a[0] ?? 0, a[1] ?? 0, a[2] ?? 0, a[3] ?? 0, a[4] ?? 0, a[5] ?? 0)),
        errno: () => {
          const location = symbols.__errno_location();
          return location === null ? 0 : ffi.read.i32(location);
        },
        addressOf: (bytes) => (bytes.byteLength === 0 ? 0 : ffi.ptr(bytes)),
        strerror: (errno) => {
          more ??= ffi.dlopen(name, { strerror: { args: ['int'], returns: 'cstring' } }).symbols;
          return String(more.strerror(errno));
        },
      };
    } catch (error) {
      failure = error; // This machine has the other C library: try its file name.
    }
  }
  throw failure;
}

let opened: { readonly libc: Libc; readonly numbers: Readonly<Record<SyscallName, number>> } | undefined;

function libc(): NonNullable<typeof opened> {
  opened ??= { libc: openLibc(), numbers: syscallNumbers(process.arch) };
  return opened;
}

export const cString = (text: string): Uint8Array => Buffer.from(`${text}\0`);

export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The address of bytes that the caller keeps alive until the call that reads them has returned. */
export const addressOf = (bytes: Uint8Array): number => libc().libc.addressOf(bytes);

/** Makes the call and returns what it returns; throws SyscallError when that is -1. */
export function call(name: SyscallName, ...args: readonly Argument[]): number {
  const { libc: door, numbers } = libc();
  const memory: Uint8Array[] = [];
  const place: Place = (bytes) => {
    memory.push(bytes);
    return BigInt(door.addressOf(bytes));
  };
  const words = args.map((arg) => (typeof arg === 'number' ? arg : Number(wordOf(arg, place))));
  const result = door.syscall(numbers[name], words);
  // Used once more, so that it was not collected while the kernel read it.
  memory.length = 0;
  if (result !== -1) return result;
  const errno = door.errno();
  const [code, reason] = ORDINARY[errno] ?? [errnoName(errno), lowerFirst(door.strerror(errno))];
  throw new SyscallError(spellCall(name, args), code, reason);
}

/**
 * What is not there, or there already, is no failure to most callers: looking these two up in the C library and in
 * node:os, as all others are, would take half a millisecond of each start.
 */
const ORDINARY: Readonly<Record<number, readonly [code: string, reason: string]>> = {
  2: ['ENOENT', 'no such file or directory'],
  17: ['EEXIST', 'file exists'],
};

/** Puts bytes where the call finds them, and gives their address. */
export type Place = (bytes: Uint8Array) => bigint;

export function wordOf(argument: Argument | bigint, place: Place): bigint {
  if (typeof argument === 'number' || typeof argument === 'bigint') return BigInt(argument);
  if (typeof argument === 'string') return place(cString(argument));
  if (argument instanceof Uint8Array) return place(argument);
  const words =
    'words' in argument
      ? argument.words.map((word) => wordOf(word, place))
      : [...argument.map((text) => wordOf(text, place)), 0n];
  return place(bytesOf(BigUint64Array.from(words)));
}

export function spellCall(name: string, args: readonly Argument[]): string {
  const shown = args.map((arg) => {
    if (typeof arg === 'number') return arg > 0xff ? `0x${arg.toString(16)}` : String(arg);
    if (typeof arg === 'string') return JSON.stringify(arg);
    if (arg instanceof Uint8Array) return `<${String(arg.byteLength)} bytes>`;
    return 'words' in arg ? `<${String(arg.words.length * 8)} bytes>` : `<${String(arg.length)} words>`;
  });
  return `${name}(${shown.join(', ')})`;
}

/** 'operation not permitted' of 1. */
export function errnoReason(errno: number): string {
  if (typeof Bun !== 'undefined') return lowerFirst(libc().libc.strerror(errno));
  const { getSystemErrorMap } = process.getBuiltinModule('node:util');
  return getSystemErrorMap().get(-errno)?.[1] ?? `error ${String(errno)}`;
}

/** `EPERM` of 1. */
export function errnoName(errno: number): string {
  // Loaded for an error only: it takes half a millisecond.
  const { constants } = process.getBuiltinModule('node:os');
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `E${String(errno)}`;
}

/**
 * Loads what names an error. A process calls this before it enters a container's root: node:os, when it is loaded, opens
 * /sys/devices/system/cpu/online by name, and in there an image with a VOLUME /sys decides what that is.
 */
export function loadErrorNames(): void {
  errnoReason(0);
  errnoName(0);
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
