/** `volume-subpath`: a directory in a volume is mounted, which the containers that share the volume may have replaced. */
import { dirname } from 'node:path';
import type { AttackCase, Stage } from '../case.ts';
import { isRefusal } from '../probe.ts';

const ROUNDS = 25;
const UP = '../../../../../../../../../..';

const mounted = (subpath: string): readonly string[] => [
  '--mount',
  `type=volume,src=shared,dst=/mounted,volume-subpath=${subpath}`,
];

/** Fills the volume with `script`, at /v. */
async function fill(stage: Stage, image: string, script: string): Promise<void> {
  const { exitCode, stderr } = await stage.minidock(
    ...['run', '--rm', '-v', 'shared:/v', image, '/bin/sh', '-c', `cd /v; ${script}`],
  );
  if (exitCode !== 0) throw new Error(stderr);
}

export const subpathCases: readonly AttackCase[] = [
  {
    name: 'subpath-through-links',
    story: 'The subpath, or a directory on the way to it, is a link out of the volume.',
    cves: ['CVE-2017-1002101'],
    short: true,
    guard: true,
    attack: async (stage) => {
      const secret = stage.secret();
      const image = await stage.image({ files: {} });
      const dir = dirname(secret.path);
      const links = [dir, `${UP}${dir}`, `/proc/self/root${dir}`, `/proc/self/cwd/${UP}${dir}`];
      await fill(stage, image, links.map((link, n) => `ln -s ${link} l${String(n)}`).join('; '));
      const paths = links.flatMap((_, n) => [
        `l${String(n)}`,
        `l${String(n)}/..${dir}`,
        `l${String(n)}/${secret.path.slice(dir.length + 1)}`,
      ]);
      for (const path of [...paths, `${UP}${dir}`, `x/${UP}${dir}`]) {
        const show = `cat /mounted /mounted/* 2>/dev/null; echo RAN`;
        const result = await stage.minidock('run', '--rm', ...mounted(path), image, '/bin/sh', '-c', show);
        if (result.stdout.includes(secret.text)) return `volume-subpath=${path} shows ${secret.path}`;
        if (!result.stdout.includes('RAN') && !isRefusal(result)) throw new Error(result.stderr);
      }
      return undefined;
    },
  },
  {
    name: 'subpath-swapped',
    story: 'The subpath is a directory of the volume, and for a moment a link out of it.',
    cves: ['CVE-2021-25741'],
    guard: true,
    attack: async (stage) => {
      const secret = stage.secret();
      const image = await stage.image({ files: {} });
      const script = `cd /v; mkdir a; echo own >a/secret; ln -s ${UP}${dirname(secret.path)} b; echo READY
        while :; do mv a c; mv b a; mv a b; mv c a; done 2>/dev/null`;
      await stage.minidock(
        'run',
        '-d',
        '--name',
        'swapper',
        '-v',
        'shared:/v',
        image,
        '/bin/sh',
        '-c',
        script,
      );
      await stage.host.waitFor(
        async () => (await stage.minidock('logs', 'swapper')).stdout.includes('READY'),
        'the directory and the link to change places',
      );
      for (let n = 1; n <= ROUNDS; n++) {
        const { stdout } = await stage.minidock(
          ...['run', '--rm', ...mounted('a'), image, '/bin/sh', '-c', 'cat /mounted/*'],
        );
        if (stdout.includes(secret.text))
          return `the host’s ${secret.path} was mounted, at start ${String(n)}`;
      }
      return undefined;
    },
  },
  {
    name: 'subpath-fifo',
    story: 'The subpath is a FIFO that nobody writes to; who opens it waits.',
    guard: true,
    attack: async (stage) => {
      const image = await stage.image({ files: {} });
      await fill(stage, image, 'mkfifo fifo');
      const words = ['run', '--rm', ...mounted('fifo'), image, '/bin/true'];
      const { exitCode } = await stage.run(['timeout', '10', stage.binary, ...words]);
      return exitCode === 124 ? 'the start waits for the FIFO' : undefined;
    },
  },
];
