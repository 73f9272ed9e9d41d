/**
 * The one layer that a plain file of a stage comes from, so that a copy of it needs no overlay: the topmost layer that has
 * the name, as long as nothing on the way asks for overlayfs (a whiteout, an opaque directory, a link, a renamed
 * directory). Each name is looked at below a descriptor.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { fromText } from '../../../images/unpack/paths.ts';
import { O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { overlayNotes } from '../../engine/files/overlay-notes.ts';

/** The index of the layer; undefined: only overlayfs can tell. `roots`: O_PATH descriptors of the layers, base first. */
export function layerOfFile(roots: readonly number[], parts: readonly string[]): number | undefined {
  if (parts.length === 0) return undefined;
  for (const [fromTop, root] of roots.toReversed().entries()) {
    const found = lookInLayer(root, parts);
    if (found === 'file') return roots.length - 1 - fromTop;
    if (found === 'unclear') return undefined;
  }
  return undefined;
}

function lookInLayer(root: number, parts: readonly string[]): 'file' | 'absent' | 'unclear' {
  let directory = root;
  try {
    for (const [index, part] of ['.', ...parts].entries()) {
      const isLast = index === parts.length;
      const flags = constants.O_NOFOLLOW | (isLast ? O_PATH : constants.O_RDONLY | constants.O_DIRECTORY);
      const child = calls.openat2(directory, fromText(part), flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
      if (directory !== root) closeSync(directory);
      directory = child;
      if (isLast) return fstatSync(child).isFile() && !hasNotes(child) ? 'file' : 'unclear';
      if (notesOf(child)) return 'unclear';
    }
    return 'unclear';
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return 'absent';
    // A file, a link or a whiteout where a directory is looked for; the overlay says what it says.
    if (['ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return 'unclear';
    throw error;
  } finally {
    if (directory !== root) closeSync(directory);
  }
}

/** An O_PATH descriptor reads no attributes: the file that it stands for is opened once more, without its name. */
function hasNotes(fd: number): boolean {
  const file = openSync(`/proc/self/fd/${String(fd)}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return notesOf(file);
  } finally {
    closeSync(file);
  }
}

let notes: ReadonlySet<string> | undefined;

function notesOf(fd: number): boolean {
  notes ??= new Set((['opaque', 'redirect', 'metacopy', 'whiteout'] as const).flatMap(overlayNotes));
  const names = calls.listXattrs(fd);
  return names.some((name) => notes?.has(name) === true);
}
