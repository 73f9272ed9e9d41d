/**
 * Volumes with a file system of their own, which minidock mounts on the host while containers use them. What a container
 * keeps open, or mounts in there, must not keep the mount, reach the next user of the volume, or have it emptied.
 */
import { CannotRun, type AttackCase, type Stage } from '../../case.ts';
import { runs } from './exports.ts';

async function must(stage: Stage, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await stage.minidock(...args);
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

const createTmpfs = (stage: Stage): Promise<string> =>
  must(stage, ...['volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'own']);

/** Mounts of the host on the directory of the volume, or below it. */
async function mountsOnHost(stage: Stage): Promise<string> {
  const { stdout } = await stage.run(['grep', '/volumes/own/_data', '/proc/self/mountinfo']);
  return stdout;
}

/** Opens what the container that shares its processes has in its volume, and writes to it from then on. */
const KEEPS_OPEN = `
const { openSync, readdirSync, writeSync } = require('node:fs');
console.log('READY');
const timer = setInterval(() => {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const fd = openSync('/proc/' + pid + '/root/own/file', 'r+');
      process.chdir('/proc/' + pid + '/root/own');
      console.log('HELD');
      clearInterval(timer);
      setInterval(() => writeSync(fd, 'kept', 0), 10);
      return;
    } catch {}
  }
}, 20);`;

export const volumeFileSystemCases: readonly AttackCase[] = [
  {
    name: 'volume-file-system-kept-busy',
    story:
      'A container that shares another’s processes keeps its volume open, so that its file system stays on the host, for the next.',
    guard: true,
    attack: async (stage) => {
      if (stage.setting.userns === 'auto') throw new CannotRun('containers share no processes there');
      const image = await stage.image({ files: {} });
      await createTmpfs(stage);
      const keeper = await runs(stage, KEEPS_OPEN);
      const flags = ['-d', '-v', 'own:/own', '--pid', `container:${keeper}`];
      const script = 'echo file >/own/file; exec sleep 600';
      const victim = await must(stage, 'run', ...flags, image, '/bin/sh', '-c', script);
      await stage.host.waitFor(
        async () => (await must(stage, 'logs', keeper)).includes('HELD'),
        'the volume to be held',
      );
      if ((await mountsOnHost(stage)) === '') throw new Error('the volume was never mounted');
      await must(stage, 'rm', '-f', victim);
      const left = await mountsOnHost(stage);
      if (left !== '') return `the volume is still mounted on the host: ${left}`;
      const next = await must(stage, 'run', '--rm', '-v', 'own:/own', image, '/bin/ls', '-A', '/own');
      if (next !== '') return `the next container finds ${next} in the volume`;
      await must(stage, 'volume', 'rm', 'own');
      return undefined;
    },
  },
  {
    name: 'volume-file-system-of-a-stranger',
    story:
      'A container that may mount covers its volume with others, links and a mount of itself, and hopes that the host unmounts or empties those.',
    guard: true,
    attack: async (stage) => {
      const secret = stage.secret();
      const image = await stage.image({ files: {} });
      await createTmpfs(stage);
      await must(stage, 'volume', 'create', 'beside');
      const script = `echo kept >/beside/kept; mkdir /own/d; ln -s ${secret.path} /own/link; ln -s /beside /own/out
        for at in /own/d /own; do mount -o bind /beside $at; mount -o bind / $at; done 2>/dev/null
        mount --make-rshared / 2>/dev/null; mount -o bind /beside /own/d 2>/dev/null; echo RAN`;
      const flags = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
      const volumes = ['-v', 'own:/own', '-v', 'beside:/beside'];
      const told = await must(stage, 'run', '--rm', ...flags, ...volumes, image, '/bin/sh', '-c', script);
      if (!told.includes('RAN')) throw new Error('the attack was not carried out');
      const left = await mountsOnHost(stage);
      if (left !== '') return `mounts are left on the host: ${left}`;
      await must(stage, 'volume', 'rm', 'own');
      if (secret.changed()) return 'a file of the host is changed';
      const kept = await must(stage, 'run', '--rm', '-v', 'beside:/x', image, '/bin/ls', '/x');
      return kept === 'kept' ? undefined : 'another volume is emptied';
    },
  },
];
