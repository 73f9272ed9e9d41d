/**
 * Leases (fcntl(2), F_SETLEASE): who opens a file that another program holds one on waits for up to 45 seconds, or is
 * refused. A program of a container holds one on a file that minidock opens.
 */
import { join } from 'node:path';
import { CannotRun, type AttackCase, type Stage } from '../../case.ts';
import { runs } from './exports.ts';

/** SIGIO, which tells the holder that somebody wants the file, ends it. */
const LEASE = `
const { dlopen } = require('bun:ffi');
const { openSync } = require('node:fs');
const { symbols: libc } = dlopen('libc.so.6', { fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' } });
const F_SETLEASE = 1024, F_WRLCK = 1;
if (libc.fcntl(openSync('/own/file', 'r'), F_SETLEASE, F_WRLCK) !== 0) throw new Error('no lease');
console.log('READY');
setInterval(() => undefined, 1000);`;

/** The lease is on the file that is /etc/hosts of a container which shares this one's processes, and is kept. */
const NEIGHBOUR_LEASE = `
const { dlopen } = require('bun:ffi');
const { openSync, readdirSync, readFileSync } = require('node:fs');
const { symbols: libc } = dlopen('libc.so.6', {
  fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  signal: { args: ['i32', 'u64'], returns: 'u64' },
});
const F_SETLEASE = 1024, F_RDLCK = 0, SIGIO = 29, SIG_IGN = 1n;
libc.signal(SIGIO, SIG_IGN);
console.log('READY');
const timer = setInterval(() => {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const path = '/proc/' + pid + '/root/etc/hosts';
      if (!readFileSync(path, 'utf8').includes('victim-host')) continue;
      if (libc.fcntl(openSync(path, 'r'), F_SETLEASE, F_RDLCK) !== 0) continue;
      console.log('HELD');
      clearInterval(timer);
      setInterval(() => undefined, 1000);
      return;
    } catch {}
  }
}, 20);`;

async function holdUpRestart(stage: Stage): Promise<string | undefined> {
  if (stage.setting.userns === 'auto') throw new CannotRun('containers share no processes there');
  const id = await runs(stage, NEIGHBOUR_LEASE);
  const image = await stage.image({ files: {} });
  const flags = ['--name', 'victim', '--hostname', 'victim-host', '--pid', `container:${id}`];
  const started = await stage.minidock('run', '-d', ...flags, image, '/bin/sleep', '600');
  if (started.exitCode !== 0) throw new Error(started.stderr);
  await stage.host.waitFor(
    async () => (await stage.minidock('logs', id)).stdout.includes('HELD'),
    'the lease to be held',
  );
  const { exitCode, stderr } = await stage.run([
    'timeout',
    '15',
    stage.binary,
    'restart',
    '-t',
    '0',
    'victim',
  ]);
  if (exitCode === 124) return 'the restart waits for the lease';
  if (exitCode !== 0) throw new Error(stderr);
  return undefined;
}

export const leaseCases: readonly AttackCase[] = [
  {
    name: 'lease-on-hosts-of-a-neighbour',
    story:
      'A container holds a lease on the /etc/hosts of one that shares its processes, and hopes that its restart hangs.',
    attack: holdUpRestart,
  },
  {
    name: 'copy-of-a-leased-file',
    story: 'A program of the container holds a lease on a file, so that nobody copies or exports it.',
    attack: async (stage) => {
      for (const words of [
        ['cp', 'ID:/own/file'],
        ['export', 'ID'],
      ]) {
        const id = await runs(stage, LEASE, '--init');
        const { exitCode, stderr } = await stage.run(
          [
            ...['bash', '-c', '"$0" "$@" >"$OUT"'],
            ...[
              stage.binary,
              ...words.map((word) => word.replace('ID', id)),
              ...(words[0] === 'cp' ? ['-'] : []),
            ],
          ],
          { env: { OUT: join(stage.dir, 'out') } },
        );
        if (exitCode !== 0) return `${words.join(' ')} fails: ${stderr}`;
      }
      return undefined;
    },
  },
];
