/**
 * `cp`, `export` and `commit`: root of the host reads and writes files whose names a container, or the archive of a
 * stranger, decides. What is read must be the container's, and what is written must land in it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tarOf, type TestEntry } from '../../support/images/tar-bytes.ts';
import type { AttackCase, HostileFile, Stage } from '../case.ts';

const ROUNDS = 25;
const UP = '../../../../../../../..';

/** Exchanges /swap/a, a directory, and /swap/b, a link, as fast as Bun can. */
const SWAP = `
const { dlopen, ptr } = require('bun:ffi');
const { symbols } = dlopen('libc.so.6', {
  renameat2: { args: ['i32', 'ptr', 'i32', 'ptr', 'u32'], returns: 'i32' },
});
const a = Buffer.from('/swap/a\\0'), b = Buffer.from('/swap/b\\0');
if (symbols.renameat2(-100, ptr(a), -100, ptr(b), 2) !== 0) throw new Error('cannot exchange');
console.log('swapping');
for (;;) symbols.renameat2(-100, ptr(a), -100, ptr(b), 2);`;

async function swapper(stage: Stage, link: string): Promise<string> {
  const image = await stage.image({ files: {} });
  const { flags, command } = stage.bun(SWAP);
  const prepare = `mkdir -p /swap/a/in; echo own >/swap/a/in/file; ln -s ${link} /swap/b; exec ${command.join(' ')}`;
  const { exitCode, stdout, stderr } = await stage.minidock(
    ...['run', '-d', ...flags, '--security-opt', 'seccomp=unconfined', image, '/bin/sh', '-c', prepare],
  );
  if (exitCode !== 0) throw new Error(stderr);
  const id = stdout.trim();
  await stage.host.waitFor(
    async () => (await stage.minidock('logs', id)).stdout.includes('swapping'),
    'the directory and the link to change places',
  );
  return id;
}

async function copyIn(stage: Stage, link: (target: string) => string): Promise<string | undefined> {
  const target = join(stage.dir, 'target');
  mkdirSync(join(target, 'in'), { recursive: true });
  const given = join(stage.dir, 'given');
  writeFileSync(given, 'given');
  const id = await swapper(stage, link(target));
  let copied = 0;
  for (let n = 1; n <= ROUNDS; n++) {
    const { exitCode } = await stage.minidock('cp', given, `${id}:/swap/a/in`);
    if (exitCode === 0) copied++;
    const found = readdirSync(target, { recursive: true }).filter((name) => name !== 'in');
    if (found.length > 0) return `the host has ${join(target, String(found[0]))}, at copy ${String(n)}`;
  }
  if (copied === 0) throw new Error('nothing was ever copied');
  return undefined;
}

async function copyOut(stage: Stage, verb: 'cp' | 'export'): Promise<string | undefined> {
  const secret = stage.secret();
  const id = await swapper(stage, `${UP}${dirname(secret.path)}`);
  let copied = 0;
  for (let n = 1; n <= ROUNDS; n++) {
    const result = await stage.minidock(...(verb === 'cp' ? ['cp', `${id}:/swap`, '-'] : ['export', id]));
    if (result.exitCode === 0) copied++;
    if (result.stdout.includes(secret.text)) return `${verb} gave ${secret.path} away, at copy ${String(n)}`;
  }
  if (copied === 0) throw new Error('nothing was ever copied');
  return undefined;
}

/** A container that does not run, whose image is the attacker's. */
async function copyFrom(
  stage: Stage,
  files: (secret: string) => Readonly<Record<string, HostileFile>>,
  path: string,
  ...flags: readonly string[]
): Promise<string | undefined> {
  const secret = stage.secret();
  const image = await stage.image({ files: files(secret.path) });
  const { stdout } = await stage.minidock('create', image, '/bin/true');
  for (const words of [
    ['cp', ...flags, `${stdout.trim()}:${path}`, '-'],
    ['cp', ...flags, `${stdout.trim()}:${path}`, join(stage.dir, 'out')],
  ]) {
    const result = await stage.minidock(...words);
    const out = join(stage.dir, 'out');
    const copied = existsSync(out) ? (await stage.run(['grep', '-r', '', out])).stdout : '';
    if (`${result.stdout}${copied}`.includes(secret.text))
      return `${words.join(' ')} gave ${secret.path} away`;
  }
  return undefined;
}

async function extract(
  stage: Stage,
  entries: (target: string) => readonly TestEntry[],
): Promise<string | undefined> {
  const target = join(stage.dir, 'target');
  mkdirSync(target);
  writeFileSync(join(target, 'kept'), 'kept');
  const archive = join(stage.dir, 'given.tar');
  writeFileSync(archive, tarOf(...entries(target)));
  const image = await stage.image({ files: { '/tmp/x': '' } });
  for (const way of ['create', 'run'] as const) {
    const words = way === 'run' ? ['run', '-d', image, '/bin/sleep', '100'] : ['create', image, '/bin/true'];
    const id = (await stage.minidock(...words)).stdout.trim();
    await stage.run(['sh', '-c', `exec "$0" cp - ${id}:/tmp <${archive}`, stage.binary]);
    const found = readdirSync(target).filter((name) => name !== 'kept');
    if (found.length > 0) return `the archive put ${found.join(', ')} into ${target}`;
    if (readFileSync(join(target, 'kept'), 'utf8') !== 'kept') return `the archive changed ${target}/kept`;
  }
  return undefined;
}

export const copyCases: readonly AttackCase[] = [
  {
    name: 'copy-into-a-swapped-directory',
    story: 'A directory on the way to where cp writes is a link to a directory of the host for a moment.',
    cves: ['CVE-2018-15664'],
    short: true,
    guard: true,
    attack: (stage) => copyIn(stage, (target) => target),
  },
  {
    name: 'copy-into-a-swapped-directory-upwards',
    story: 'The same with a link that goes up further than there are directories.',
    cves: ['CVE-2018-15664'],
    guard: true,
    attack: (stage) => copyIn(stage, (target) => `${UP}${target}`),
  },
  {
    name: 'copy-out-of-a-swapped-directory',
    story: 'A directory that cp reads is a link to one with a secret of the host for a moment.',
    cves: ['CVE-2018-15664'],
    guard: true,
    attack: (stage) => copyOut(stage, 'cp'),
  },
  {
    name: 'copy-export-of-a-swapped-directory',
    story: 'A directory that export reads is a link to one with a secret of the host for a moment.',
    guard: true,
    attack: (stage) => copyOut(stage, 'export'),
  },
  {
    name: 'copy-of-a-link',
    story: 'The file that is copied is a link to a secret of the host.',
    guard: true,
    attack: (stage) => copyFrom(stage, (secret) => ({ '/given': { link: secret } }), '/given', '-L'),
  },
  {
    name: 'copy-below-a-link',
    story: 'A directory on the way to the file is a link to one of the host, upwards.',
    guard: true,
    attack: (stage) =>
      copyFrom(stage, (secret) => ({ '/in': { link: `${UP}${dirname(secret)}` } }), '/in/secret-1', '-L'),
  },
  {
    name: 'copy-by-a-magic-link',
    story: 'The image leads /proc/self/root, which in minidock’s own process is the root of the host.',
    guard: true,
    attack: (stage) =>
      copyFrom(stage, (secret) => ({ '/in': { link: `/proc/self/root${secret}` } }), '/in', '-L'),
  },
  {
    name: 'copy-fifo-and-devices',
    story:
      'The tree holds a FIFO, which nobody writes to, and a device; who opens them waits, or reads the disk.',
    guard: true,
    attack: async (stage) => {
      const files = { '/t/fifo': { fifo: 0o644 }, '/t/zero': { device: 'c', major: 1, minor: 5 } } as const;
      const image = await stage.image({ files });
      const id = (await stage.minidock('create', image, '/bin/true')).stdout.trim();
      const { exitCode, stdout } = await stage.run(['timeout', '10', stage.binary, 'cp', `${id}:/t`, '-']);
      if (exitCode === 124) return 'cp waits for the FIFO';
      return stdout.length > 10_000 ? 'cp reads the device' : undefined;
    },
  },
  {
    name: 'copy-archive-upwards',
    story: 'An archive on standard input has entries that go up, and absolute ones.',
    short: true,
    guard: true,
    attack: (stage) =>
      extract(stage, (target) => [
        { name: `${target}/absolute`, data: 'x' },
        { name: `${UP}${target}/upwards`, data: 'x' },
      ]),
  },
  {
    name: 'copy-archive-through-links',
    story: 'An archive on standard input makes links to a directory of the host, and files below them.',
    guard: true,
    attack: (stage) =>
      extract(stage, (target) => [
        { name: 'absolute', type: '2', link: target },
        { name: 'absolute/made', data: 'x' },
        { name: 'absolute/kept', data: 'changed' },
        { name: 'upwards', type: '2', link: `${UP}${target}` },
        { name: 'upwards/made', data: 'x' },
        { name: 'magic', type: '2', link: `/proc/self/root${target}` },
        { name: 'magic/made', data: 'x' },
      ]),
  },
  {
    name: 'copy-archive-hard-link',
    story: 'An archive on standard input makes a hard link to a file of the host, and then writes to it.',
    guard: true,
    attack: (stage) =>
      extract(stage, (target) => [
        { name: 'hard', type: '1', link: `${target}/kept` },
        { name: 'hard', data: 'changed' },
      ]),
  },
];
