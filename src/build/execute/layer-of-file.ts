/**
 * The one layer that a plain file of a stage comes from, so that a copy of it needs no overlay: the topmost layer that has
 * the name, as long as nothing on the way asks for overlayfs (a whiteout, an opaque directory, a link, a renamed
 * directory). Each name is looked at below a descriptor.
 */
import { closeSync, constants, fstatSync } from 'node:fs';
import { fromText } from '../../../images/unpack/paths.ts';
import { O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { overlayNotes } from '../../engine/files/overlay-notes.ts';
import { openDirectory } from '../../engine/files/tree-sink.ts';

/** `layers`: directories, base first. An O_PATH descriptor of the layer's root; undefined: only overlayfs can tell. */
export function openLayerOfFile(layers: readonly string[], parts: readonly string[]): number | undefined {
  if (parts.length === 0) return undefined;
  for (const layer of layers.toReversed()) {
    const root = openDirectory(layer);
    const found = lookInLayer(root, parts);
    if (found === 'file') return root;
    closeSync(root);
    if (found === 'unclear') return undefined;
  }
  return undefined;
}

function lookInLayer(root: number, parts: readonly string[]): 'file' | 'absent' | 'unclear' {
  let directory = root;
  try {
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      const flags = constants.O_NOFOLLOW | (isLast ? O_PATH : constants.O_RDONLY | constants.O_DIRECTORY);
      const child = calls.openat2(directory, fromText(part), flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
      if (directory !== root) closeSync(directory);
      directory = child;
      if (isLast) return fstatSync(child).isFile() && !hasNotes(root, parts) ? 'file' : 'unclear';
      if (notesOf(child)) return 'unclear';
    }
    return 'unclear';
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return 'absent';
    // A file, a link or a whiteout where a directory is looked for.
    if (code === 'ENOTDIR' || code === 'ELOOP') return 'unclear';
    throw error;
  } finally {
    if (directory !== root) closeSync(directory);
  }
}

/** Attributes are read of an open file. */
function hasNotes(root: number, parts: readonly string[]): boolean {
  const name = fromText(parts.join('/'));
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const file = calls.openat2(root, name, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  try {
    return notesOf(file);
  } finally {
    closeSync(file);
  }
}

function notesOf(fd: number): boolean {
  const notes = new Set([
    ...overlayNotes('opaque'),
    ...overlayNotes('redirect'),
    ...overlayNotes('metacopy'),
  ]);
  return calls.listXattrs(fd).some((name) => notes.has(name));
}
