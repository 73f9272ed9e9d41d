/** What `cp` brings to the host, where root owns it and other users live: no power that a container has put into it. */
import { closeSync, existsSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { namedCalls } from '../../../../runtime/syscall/named-calls.ts';
import type { AttackCase } from '../../case.ts';
import { runs } from './exports.ts';

/** What root of a container may make, and what then belongs to root of the host: linux/capability.h has the format. */
const POWERS = `
const { dlopen, ptr } = require('bun:ffi');
const { chmodSync, chownSync, mkdirSync, writeFileSync } = require('node:fs');
const { symbols: libc } = dlopen('libc.so.6', {
  setxattr: { args: ['ptr', 'ptr', 'ptr', 'u64', 'i32'], returns: 'i32' },
  mknod: { args: ['ptr', 'u32', 'u64'], returns: 'i32' },
});
const text = (word) => ptr(Buffer.from(word + '\\0'));
mkdirSync('/powers');
for (const name of ['setuid', 'capable']) writeFileSync('/powers/' + name, 'program');
chownSync('/powers/setuid', 1000, 1000);
chmodSync('/powers/setuid', 0o6755);
const all = Buffer.alloc(20, 0xff);
all.writeUInt32LE(0x02000001, 0);
if (libc.setxattr(text('/powers/capable'), text('security.capability'), ptr(all), 20n, 0) !== 0)
  throw new Error('no capability');
const S_IFBLK = 0o060000;
const made = libc.mknod(text('/powers/disk'), S_IFBLK | 0o666, 8n << 8n);
chmodSync('/powers', 0o755);
if (made === 0) chmodSync('/powers/disk', 0o666);
console.log('READY');
setInterval(() => undefined, 1000);`;

/** Of a file on the host. */
function powersOf(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isBlockDevice())
    return (stats.mode & 0o077) === 0 ? undefined : 'everybody on the host may open the disk';
  if ((stats.mode & 0o6000) !== 0) return 'a program of another user’s is a setuid program of root’s now';
  const fd = openSync(path, 'r');
  try {
    return namedCalls.listXattrs(fd).includes('security.capability')
      ? 'a program has capabilities on the host'
      : undefined;
  } finally {
    closeSync(fd);
  }
}

export const powerCases: readonly AttackCase[] = [
  {
    name: 'copy-powers-to-the-host',
    story:
      'cp brings a setuid program, one with capabilities and the disk as a device to the host, for its users to find.',
    attack: async (stage) => {
      const id = await runs(stage, POWERS);
      const out = join(stage.dir, 'out');
      const { exitCode, stderr } = await stage.minidock('cp', `${id}:/powers`, out);
      if (exitCode !== 0) throw new Error(stderr);
      if (!existsSync(join(out, 'setuid'))) throw new Error('nothing was copied');
      return ['setuid', 'capable', 'disk'].map((name) => powersOf(join(out, name))).find(Boolean);
    },
  },
];
