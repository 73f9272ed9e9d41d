/**
 * Run by Bun, because Node can neither mount nor read extended attributes: mounts the layers of one image after
 * another, as a container sees them, and prints the tree of each as a line of JSON.
 *
 *   unshare --mount bun merged-driver.ts STACKS WORK START
 *
 * STACKS is a file with [{ name, lower }] as JSON, `lower` base first. A tree is a line per path, with what differs
 * from a plain file or directory of root: `a/b file 644 0:0 1700000000 =HASH`. A time since START is `now`.
 */
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type BigIntStats,
} from 'node:fs';
import { join } from 'node:path';
import { kernel } from '../../../runtime/syscall/libc.ts';

const MNT_DETACH = 2;
const [stacks = '', work = '', start = '0'] = process.argv.slice(2);

for (const { name, lower } of JSON.parse(readFileSync(stacks, 'utf8')) as {
  name: string;
  lower: string[];
}[]) {
  console.log(JSON.stringify({ name, tree: merged(lower) }));
}

function merged(lower: readonly string[]): readonly string[] {
  const [upper, own, root] = ['upper', 'own', 'root'].map((part) => join(work, part));
  if (upper === undefined || own === undefined || root === undefined) return [];
  for (const dir of [upper, own, root]) mkdirSync(dir, { recursive: true });
  const options = `lowerdir=${[...lower].reverse().join(':')},upperdir=${upper},workdir=${own}`;
  kernel.mount('overlay', root, 'overlay', 0, options);
  try {
    // The root of an overlay is upper's, which an engine makes like the topmost layer's.
    return treeOf(root, lower.at(-1) ?? upper);
  } finally {
    kernel.umount2(root, MNT_DETACH);
    rmSync(work, { recursive: true });
  }
}

function treeOf(root: string, top: string): readonly string[] {
  const lines: string[] = [];
  /** The first name of each file, to show which names are one file. */
  const files = new Map<string, string>();
  const show = (name: string, path: Buffer): void => {
    const shown = JSON.stringify(name === '' ? '/' : name).slice(1, -1);
    let stats: BigIntStats;
    try {
      stats = lstatSync(path, { bigint: true });
    } catch (error) {
      lines.push(`${shown} ${(error as NodeJS.ErrnoException).code ?? ''}`);
      return;
    }
    const text = path.toString('utf8');
    const xattrs = Buffer.from(text).equals(path) ? [...kernel.getXattrs(text)] : [];
    const key = `${String(stats.dev)}:${String(stats.ino)}`;
    const first = stats.isDirectory() ? undefined : files.get(key);
    if (first === undefined) files.set(key, shown);
    const words = [
      shown,
      kindOf(stats),
      (stats.mode & 0o7777n).toString(8),
      `${String(stats.uid)}:${String(stats.gid)}`,
      stats.mtimeNs / 1_000_000n >= BigInt(start) && stats.mtimeNs < BigInt(Date.now() + 1000) * 1_000_000n
        ? 'now'
        : timeOf(stats.mtimeNs),
      ...(first === undefined ? [] : [`is:${first}`]),
      ...(stats.isSymbolicLink() ? [`->${JSON.stringify(readlinkSync(path, 'latin1'))}`] : []),
      ...(stats.isCharacterDevice() || stats.isBlockDevice() ? [`device:${String(stats.rdev)}`] : []),
      ...(stats.isFile() && first === undefined ? [contentOf(readFileSync(path))] : []),
      ...xattrs
        .map(([key, value]) => `${JSON.stringify(key)}=${Buffer.from(value).toString('hex').slice(0, 80)}`)
        .sort(),
    ];
    lines.push(words.join(' '));
    if (!stats.isDirectory()) return;
    const names = readdirSync(name === '' ? root : path, { encoding: 'buffer' });
    for (const entry of names.map((bytes) => bytes.toString('latin1')).sort()) {
      const below = name === '' ? entry : `${name}/${entry}`;
      show(below, Buffer.from(`${root}/${below}`, 'latin1'));
    }
  };
  show('', Buffer.from(top));
  return lines;
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  return stats.isCharacterDevice() ? 'char' : stats.isBlockDevice() ? 'block' : 'other';
}

function timeOf(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const size = ns < 0n ? -ns : ns;
  const rest = size % 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  return `${sign}${String(size / 1_000_000_000n)}${fraction}`;
}

/** Short content as it is, else its length and the beginning of its hash. */
function contentOf(content: Buffer): string {
  const text = content.toString('latin1');
  if (/^[\x20-\x7e]{0,20}$/.test(text)) return JSON.stringify(text);
  return `${String(content.length)}:${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}
