/**
 * Finds the program that holds a port: /proc/net lists sockets with their inode, /proc/PID/fd their owners. Used only
 * for a busy port, so it may be slow; without permission it finds nothing.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readCommandLine } from '../io/read-process.ts';
import { isShimOf } from '../process/shim-identity.ts';
import type { Protocol } from './types.ts';

/** `nginx (pid 123)`, or `container 0123456789ab`; undefined if nobody can be found. */
export function describePortHolder(protocol: Protocol, port: number): string | undefined {
  const inodes = socketInodes(protocol, port);
  if (inodes.size === 0) return undefined;
  for (const pid of numbersIn('/proc')) {
    for (const fd of numbersIn(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) return describeProcess(pid);
    }
  }
  return undefined;
}

/** Inodes of the sockets bound to a port, from the text of /proc/net/tcp, udp and so on. */
export function findSocketInodes(table: string, protocol: Protocol, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const [, local = '', , state = ''] = words;
    const inode = words[9];
    // 0A is LISTEN; a UDP socket that is merely bound holds its port in any state.
    const holds = local.endsWith(`:${wanted}`) && (protocol === 'udp' || state === '0A');
    return holds && inode !== undefined ? [inode] : [];
  });
}

/** The id on the command line of a container's shim, which is given its request as JSON. isShimOf() tells if it is one. */
export function containerOf(commandLine: string): string | undefined {
  const [, verb, request = ''] = commandLine.split('\0');
  return verb === '__shim' ? /"id":"([0-9a-f]{64})"/.exec(request)?.[1] : undefined;
}

function socketInodes(protocol: Protocol, port: number): ReadonlySet<string> {
  const tables = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map(readText);
  return new Set(tables.flatMap((table) => findSocketInodes(table, protocol, port)));
}

function describeProcess(pid: string): string {
  const id = containerOf(commandLineOf(pid));
  if (id !== undefined && isShimOf(pid, id)) return `container ${id.slice(0, 12)}`;
  return `${readText(`/proc/${pid}/comm`).trim() || 'a process'} (pid ${pid})`;
}

function commandLineOf(pid: string): string {
  try {
    return readCommandLine(pid);
  } catch {
    return ''; // It has ended, or we may not read it.
  }
}

// Processes come and go, and other users' are closed to us: what cannot be read holds nothing as far as we can tell.
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function numbersIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
