/**
 * The file that exec's process executes once, at a time when no file system of the host can be reached any more. A
 * container gets at it by /proc/PID/exe and must not change it: the processes that run it share its pages, and one of
 * them is outside. So it is a sealed file in memory, or where such may not be executed (vm.memfd_noexec), one on disk
 * that has no name any more and is known by a read-only mount alone.
 */
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { READ_ONLY } from '../rootfs/tree.ts';
import { O_PATH } from '../syscall/constants.ts';
import { createMemoryFile, sealMemoryFile } from '../syscall/descriptors.ts';
import { errnoOf } from '../syscall/error.ts';
import type { FileCalls } from '../syscall/kernel.ts';

/** To be called once with the file's content; gives a descriptor for execveat(2). */
export type FillProgram = (image: Uint8Array) => number;

/** `directory` is the caller's own. */
export function newProgramFile(kernel: FileCalls, directory: string): FillProgram {
  let memory: number;
  try {
    memory = createMemoryFile('minidock');
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return onDisk(kernel, join(directory, 'program'));
  }
  return (image) => {
    writeSync(memory, image);
    sealMemoryFile(memory);
    return memory;
  };
}

function onDisk(kernel: FileCalls, path: string): FillProgram {
  const writer = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o500);
  const place = openSync(path, O_PATH);
  const mount = kernel.copyMount(place, false);
  kernel.setMountAttributes(mount, false, READ_ONLY);
  closeSync(place);
  rmSync(path);
  return (image) => {
    writeSync(writer, image);
    closeSync(writer);
    return mount;
  };
}
