/** Asks minidock's name server for a name as the programs of a container do: from its network namespace. */
import { closeSync, readSync, writeSync } from 'node:fs';
import { kernel } from '../../../../runtime/syscall/libc.ts';
import { clientSocket, startConnecting } from '../../../../runtime/syscall/sockets.ts';
import type { Family } from '../family.ts';
import { inNamespace } from '../namespaces.ts';
import { within } from '../programs.ts';

/** Of minidock's name server in a container's network namespace. */
export const NAME_SERVER = '127.0.0.11';

/** 'silent': no answer, or a refusal by the kernel. */
export type NameAnswer = 'known' | 'unknown' | 'silent';

/** Milliseconds; a name server that slept has to wake up. */
const PATIENCE = 2000;
const PORT = 53;

export async function askName(netns: string, name: string, family: Family): Promise<NameAnswer> {
  let fd: number | undefined;
  try {
    ({ fd } = inNamespace(netns, () => clientSocket('udp')));
    const socket = fd;
    startConnecting(socket, NAME_SERVER, PORT);
    writeSync(socket, question(name, family));
    const reply = Buffer.alloc(512);
    if (!(await within(PATIENCE, () => kernel.poll(socket, 'read', 0)))) return 'silent';
    const length = readSync(socket, reply);
    return length >= HEADER && rcodeOf(reply) === 0 && answersOf(reply) > 0 ? 'known' : 'unknown';
  } catch {
    return 'silent'; // Nothing listens there, or there is no way to it.
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const HEADER = 12;
const rcodeOf = (reply: Buffer): number => reply.readUInt8(3) & 15;
const answersOf = (reply: Buffer): number => reply.readUInt16BE(6);

/** One question of class IN, with recursion asked for (RFC 1035, 4.1). */
function question(name: string, family: Family): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const type = family === 6 ? 28 : 1;
  return Buffer.concat([
    Buffer.from([0x6d, 0x64, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, type, 0, 1]),
  ]);
}
