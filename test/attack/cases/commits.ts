/**
 * `commit`: a container decides which names, marks and files its changes consist of. The image must have these and no
 * others, and the container must go on, whatever it made of them.
 */
import { dirname } from 'node:path';
import type { AttackCase, Stage } from '../case.ts';

const ATTRIBUTES = `
const { dlopen, ptr } = require('bun:ffi'), fs = require('fs');
const { symbols } = dlopen('libc.so.6', { setxattr: { args: ['ptr', 'ptr', 'ptr', 'u64', 'i32'], returns: 'i32' } });
const text = (s) => ptr(Buffer.from(s + '\\0'));
const set = (path, name, value) => symbols.setxattr(text(path), text(name), text(value), value.length, 0);
fs.mkdirSync('/0');
fs.writeFileSync('/kept/new', '');
if (set('/0', 'user.overlay.redirect', '/etc') !== 0) throw new Error('no attributes here');
set('/kept', 'user.overlay.opaque', 'y');
console.log('READY');
setTimeout(() => {}, 1e9);`;

/** Runs it until it says READY, commits it, and says in which state the container is then. */
async function commit(
  stage: Stage,
  flags: readonly string[],
  image: string,
  command: readonly string[],
  ...options: readonly string[]
): Promise<{ readonly exitCode: number; readonly said: string; readonly status: string }> {
  const started = await stage.minidock('run', '-d', '--name', 'source', ...flags, image, ...command);
  if (started.exitCode !== 0) throw new Error(started.stderr);
  try {
    await stage.host.waitFor(
      async () => (await stage.minidock('logs', 'source')).stdout.includes('READY'),
      'the container to be ready',
    );
    const words = ['timeout', '20', stage.binary, 'commit', ...options, 'source', 'committed'];
    const { exitCode, stderr } = await stage.run(words);
    const { stdout } = await stage.minidock('inspect', '-f', '{{.State.Status}}', 'source');
    return { exitCode, said: stderr, status: stdout.trim() };
  } finally {
    await stage.minidock('rm', '-f', 'source');
  }
}

const wrong = ({ exitCode, said, status }: Awaited<ReturnType<typeof commit>>): string | undefined => {
  if (status !== 'running') return `the container is ${status} after commit`;
  if (exitCode === 124) return 'commit waits';
  return /\n\s+at \S|internal error/.test(said) ? `commit crashed: ${said}` : undefined;
};

const inShell = (script: string): readonly string[] => ['/bin/sh', '-c', `${script}\necho READY; sleep 600`];

export const commitCases: readonly AttackCase[] = [
  {
    name: 'commit-forged-notes',
    story: 'Directories have attributes of overlayfs’s, which the container set itself.',
    short: true,
    attack: async (stage) => {
      const image = await stage.image({ files: { '/kept/old': 'old' } });
      const { flags, command } = stage.bun(ATTRIBUTES);
      const done = await commit(stage, flags, image, command);
      if (done.exitCode !== 0) return wrong(done) ?? `commit was led to believe: ${done.said}`;
      const { stdout } = await stage.minidock('run', '--rm', 'committed', '/bin/ls', '/kept');
      return stdout.includes('old') ? wrong(done) : 'files that the container has are not in the image';
    },
  },
  {
    name: 'commit-forged-whiteouts',
    story: 'Files have names that remove others where a layer is unpacked, and directories above it.',
    attack: async (stage) => {
      for (const name of ['/.wh.bin', '/.wh..wh..opq', '/tmp/.wh..', '/tmp/.wh...', '/0/.wh..wh.plnk']) {
        const image = await stage.image({ files: { '/tmp/x': '', '/0/y': '' } });
        const done = await commit(stage, [], image, inShell(`touch ${name}`));
        const evidence = wrong(done);
        if (evidence !== undefined) return `${name}: ${evidence}`;
        if (done.said.includes('publisher')) return `${name}: the image is blamed for it`;
        if (done.exitCode !== 0) continue;
        const { stdout } = await stage.minidock('run', '--rm', 'committed', '/bin/ls', '/');
        if (!stdout.includes('bin')) return `${name} removed files from the image`;
      }
      return undefined;
    },
  },
  {
    name: 'commit-fifos-and-links',
    story: 'The changes hold FIFOs, devices, and links out, which change places with directories meanwhile.',
    cves: ['CVE-2018-15664'],
    guard: true,
    attack: async (stage) => {
      const secret = stage.secret();
      const image = await stage.image({ files: {} });
      const up = `../../../../../../../../../../..${dirname(secret.path)}`;
      const script = `mkdir /t; cd /t; mkfifo fifo; mknod zero c 1 5; ln -s ${secret.path} link; mkdir real; ln -s ${up} away
        (while :; do mv real swap; mv away real; mv real away; mv swap real; done) 2>/dev/null &`;
      const done = await commit(stage, [], image, inShell(script), '--pause=false');
      const evidence = wrong(done);
      if (evidence !== undefined || done.exitCode !== 0) return evidence;
      const { exitCode } = await stage.run([
        'bash',
        '-c',
        `"$0" save committed | grep -qa ${secret.text}`,
        stage.binary,
      ]);
      return exitCode === 0 ? 'the image has a secret of the host' : undefined;
    },
  },
];
