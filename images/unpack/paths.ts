/**
 * Names of files as bytes. Inside images/unpack every path is a "byte string", one character per byte (latin1), so
 * that a name which is not UTF-8 survives; these functions turn one into what node:fs takes, and clean up the paths
 * that archives carry.
 */
import { corruptLayer } from './corrupt.ts';

export type FsPath = string | Buffer;

const ASCII = /^[\x00-\x7f]*$/;

/** A string where the name is UTF-8, which nearly all are, else the bytes. */
export function toFsPath(bytes: string): FsPath {
  if (ASCII.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  const text = buffer.toString('utf8');
  return Buffer.from(text, 'utf8').equals(buffer) ? text : buffer;
}

export function fromText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** path_resolution(7): the kernel takes no longer path. */
export const MAX_PATH = 4096;
/** Bytes of a name that a message shows. */
const MAX_SHOWN = 300;

/** For messages: as readable as the name allows, control characters escaped. */
export function toText(bytes: string): string {
  const shown = Buffer.from(bytes.slice(0, MAX_SHOWN), 'latin1').toString('utf8');
  return JSON.stringify(shown).slice(1, -1) + (bytes.length > MAX_SHOWN ? '…' : '');
}

/**
 * The components of an entry's path below the layer's root. That root is the top, as for a process that has entered it
 * by chroot(2): `..` leads no higher, so `../a` is `a`, as in Docker. `a/../b` is `b` whether or not `a` is a symbolic
 * link, again as in Docker.
 */
export function entryComponents(path: string): string[] {
  if (path.length > MAX_PATH) throw corruptLayer(`an entry's name is too long: "${toText(path)}"`);
  if (path.includes('\0')) throw corruptLayer(`an entry's name holds a zero byte: "${toText(path)}"`);
  const components: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') components.pop();
    else components.push(part);
  }
  return components;
}

/** Whether the path means the directory that an archive is of, which `.`, `./` and `a/..` do, and `/` does not. */
export function isArchiveItself(path: string): boolean {
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    if (depth < 0) return false;
  }
  return depth === 0 && !path.startsWith('/');
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

export function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}

export function isWithin(path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}/`);
}
