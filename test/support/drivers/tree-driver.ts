/**
 * Run by Bun, because Node knows no extended attributes: prints a directory tree, one JSON line per entry, with
 * everything that unpacking is responsible for. Names are bytes (latin1). Access and change times are left out.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { kernel } from '../../../runtime/syscall/libc.ts';

const root = process.argv[2] ?? '.';
/** The first name of each inode, to show which names are one file. */
const inodes = new Map<bigint, string>();

function show(name: string): void {
  const path = Buffer.from(`${root}${name}`, 'latin1');
  const stats = lstatSync(path, { bigint: true });
  const text = path.toString('utf8');
  const xattrs = Buffer.from(text).equals(path) ? [...kernel.getXattrs(text)] : [];
  const first = inodes.get(stats.ino) ?? name;
  inodes.set(stats.ino, first);
  const line = {
    name: name === '' ? '/' : name,
    mode: stats.mode.toString(8),
    owner: `${stats.uid}:${stats.gid}`,
    mtime: String(stats.mtimeNs),
    ...(stats.isDirectory() ? {} : { links: String(stats.nlink), first }),
    ...(stats.isCharacterDevice() || stats.isBlockDevice() ? { rdev: String(stats.rdev) } : {}),
    ...(stats.isSymbolicLink() ? { target: readlinkSync(path, 'latin1') } : {}),
    ...(stats.isFile()
      ? { size: String(stats.size), sha256: createHash('sha256').update(readFileSync(path)).digest('hex') }
      : {}),
    xattrs: Object.fromEntries(xattrs.map(([key, value]) => [key, Buffer.from(value).toString('hex')])),
  };
  console.log(JSON.stringify(line));
  if (!stats.isDirectory()) return;
  const names = readdirSync(path, { encoding: 'buffer' }).map((entry) => entry.toString('latin1'));
  for (const entry of names.sort()) show(`${name}/${entry}`);
}

show('');
