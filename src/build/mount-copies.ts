/** A copy of a stage's files for a mount that a RUN may write to: what it writes is in no layer. */
import { chmodSync, chownSync, closeSync, fstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import { fromText } from '../../images/unpack/paths.ts';
import { openInRoot } from '../../runtime/rootfs/in-root.ts';
import { O_PATH } from '../../runtime/syscall/constants.ts';
import { errnoOf } from '../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../runtime/syscall/named-calls.ts';
import { walkTree } from '../engine/files/source.ts';
import { openDirectory, TreeSink } from '../engine/files/tree-sink.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { openMerged } from './execute/merged.ts';
import { BuildError } from './errors.ts';

/** Into `directory`, which is new; returns what is to be mounted: it, or the one file in it. */
export async function copyForMount(
  store: ImageStore,
  dirs: readonly string[],
  subpath: string,
  directory: string,
): Promise<string> {
  const work = await store.prepareLayer();
  const open: number[] = [];
  try {
    const target = mkdtempSync(join(work, 'merged-'));
    const merged = openMerged(dirs, target);
    open.push(merged);
    const source = openSource(merged, subpath);
    open.push(source);
    const stats = fstatSync(source);
    mkdirSync(directory, { recursive: true });
    const root = openDirectory(directory);
    open.push(root);
    const sink = new TreeSink({ root, base: '', keepOwners: true });
    try {
      await walkTree(source, stats.isDirectory() ? '' : 'file', (entry, data) => {
        sink.entry(entry, entry.type === 'file' ? data() : undefined);
      });
      sink.end();
    } finally {
      sink.close();
    }
    if (!stats.isDirectory()) return join(directory, 'file');
    chownSync(directory, stats.uid, stats.gid);
    chmodSync(directory, stats.mode & 0o7777);
    return directory;
  } finally {
    open.forEach((fd) => closeSync(fd));
    removeTree(work);
  }
}

function openSource(root: number, subpath: string): number {
  try {
    return openInRoot(calls, root, fromText(subpath), O_PATH);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) throw error;
    throw new BuildError({ code: 'NO_SUCH_FILE', message: `"/${subpath}": not found`, cause: error });
  }
}
