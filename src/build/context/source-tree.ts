/**
 * Where COPY takes its files from: the context, a stage, an image. Paths are looked up below its root by descriptors
 * (runtime/rootfs/in-root.ts): a link of a context or of an image leads nowhere else.
 */
import { closeSync, constants, fstatSync, readdirSync } from 'node:fs';
import { fromText, toText } from '../../../images/unpack/paths.ts';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { goMatch } from './go-match.ts';
import { NO_RULES, type IgnoreRules } from './ignore.ts';

export interface SourceTree {
  readonly root: number;
  readonly rules: IgnoreRules;
  /** Files of the context are owned by root, whatever their owner on the host. */
  readonly ownedByRoot: boolean;
  close(): void;
}

export const treeOf = (root: number, ownedByRoot: boolean, rules: IgnoreRules = NO_RULES): SourceTree => ({
  root,
  rules,
  ownedByRoot,
  close: () => closeSync(root),
});

/** Paths that a source's words mean, relative to the root; '' is the root. A pattern may mean none. */
export function matchPaths(tree: SourceTree, pattern: string): readonly string[] {
  const parts = cleanPath(pattern);
  if (!parts.some(isPattern)) return [parts.join('/')];
  let found = [''];
  for (const part of parts) {
    found = found.flatMap((path) => {
      if (!isPattern(part)) return exists(tree, join(path, part)) ? [join(path, part)] : [];
      return names(tree, path)
        .filter((name) => goMatch(part, name))
        .map((name) => join(path, name));
    });
  }
  return found.filter((path) => !isHidden(tree, path)).sort();
}

export const isPattern = (text: string): boolean => /[*?[\\]/.test(text);

/** `..` never leaves the root. */
export function cleanPath(path: string): readonly string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`);

/** Left out by the rules, with all that is below it. */
export const isHidden = (tree: SourceTree, path: string): boolean =>
  tree.rules.ignores(path) && (tree.rules.prunes || !isDirectory(tree, path));

/** An O_PATH descriptor, which the caller closes; undefined if there is nothing. Links are followed. */
export function openPath(tree: SourceTree, path: string): number | undefined {
  try {
    return openInRoot(calls, tree.root, fromText(path), O_PATH);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

function names(tree: SourceTree, path: string): readonly string[] {
  let fd: number;
  try {
    fd = openInRoot(calls, tree.root, fromText(path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return [];
    throw error;
  }
  try {
    const found = readdirSync(`/proc/self/fd/${String(fd)}`, { encoding: 'buffer' });
    return found.map((name) => toText(name.toString('latin1'))).sort();
  } finally {
    closeSync(fd);
  }
}

const exists = (tree: SourceTree, path: string): boolean => look(tree, path) !== undefined;
const isDirectory = (tree: SourceTree, path: string): boolean => look(tree, path) === true;

/** Whether it is a directory; undefined if there is nothing. */
function look(tree: SourceTree, path: string): boolean | undefined {
  const fd = openPath(tree, path);
  if (fd === undefined) return undefined;
  const directory = fstatSync(fd).isDirectory();
  closeSync(fd);
  return directory;
}
