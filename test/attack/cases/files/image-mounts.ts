/** `--mount type=image`: the files of a stranger's image in a container, and the layers that all its containers share. */
import { dirname } from 'node:path';
import { CannotRun, type AttackCase, type Stage } from '../../case.ts';
import { isRefusal } from '../../probe.ts';

const UP = '../../../../../../../../../..';

async function inImage(
  stage: Stage,
  image: string,
  subpath: string,
  script: string,
  ...flags: readonly string[]
): ReturnType<Stage['minidock']> {
  if (stage.setting.userns === 'auto') throw new CannotRun('--userns=auto refuses it by design');
  const more = subpath === '' ? '' : `,image-subpath=${subpath}`;
  const mount = ['--mount', `type=image,source=${image},target=/mounted${more}`];
  const own = await stage.image({ files: {} });
  return await stage.minidock('run', '--rm', ...mount, ...flags, own, '/bin/sh', '-c', script);
}

export const imageMountCases: readonly AttackCase[] = [
  {
    name: 'image-mount-through-links',
    story:
      'The subpath of a mounted image, or a directory on the way to it, is a link to a directory of the host.',
    short: true,
    attack: async (stage) => {
      const secret = stage.secret();
      const dir = dirname(secret.path);
      const targets = [
        dir,
        `${UP}${dir}`,
        `/proc/self/root${dir}`,
        `/proc/self/cwd/${UP}${dir}`,
        `/proc/1/root${dir}`,
      ];
      const files = Object.fromEntries(targets.map((link, n) => [`/l${String(n)}`, { link }]));
      const image = await stage.image({ files: { ...files, '/own': 'own' } });
      const name = secret.path.slice(dir.length + 1);
      const subpaths = targets.flatMap((_, n) => [`l${String(n)}`, `l${String(n)}/${name}`]);
      for (const subpath of [...subpaths, `l0/../${UP}${dir}`]) {
        const result = await inImage(stage, image, subpath, 'cat /mounted /mounted/* 2>/dev/null; echo RAN');
        if (result.stdout.includes(secret.text)) return `image-subpath=${subpath} shows ${secret.path}`;
        if (!result.stdout.includes('RAN') && !isRefusal(result)) throw new Error(result.stderr);
      }
      const { stdout } = await inImage(stage, image, 'own', 'cat /mounted');
      if (stdout !== 'own') throw new Error('no subpath is mounted at all');
      return undefined;
    },
  },
  {
    name: 'image-mount-made-writable',
    story:
      'A container that may mount makes the mounted image writable, and changes what other containers of that image run.',
    attack: async (stage) => {
      const image = await stage.image({ files: { '/dir/own': 'own' } });
      const mounted = ['remount,rw', 'remount,bind,rw'].map((words) => `mount -o ${words} /mounted`);
      // By the mount that the bind mount was made of, by another one, and by the overlay's layers where they are named.
      const script = `${mounted.join('; ')}
        mkdir /tmp/x; mount -o bind /mounted /tmp/x; mount -o remount,bind,rw /tmp/x
        for top in /mounted /tmp/x $(grep -o 'lowerdir=[^,]*' /proc/mounts | sed 's/lowerdir=//; s/:/ /g'); do
          for file in own dir/own; do [ -f $top/$file ] && echo changed >$top/$file; done
        done
        echo RAN`;
      for (const subpath of ['', 'dir']) {
        const flags = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
        const result = await inImage(stage, image, subpath, `(${script}) 2>/dev/null`, ...flags);
        if (!result.stdout.includes('RAN') && !isRefusal(result)) throw new Error(result.stderr);
        const { stdout } = await stage.minidock('run', '--rm', image, '/bin/cat', '/dir/own');
        if (stdout !== 'own') return `the image’s file is ${stdout} for its next container`;
      }
      return undefined;
    },
  },
];
