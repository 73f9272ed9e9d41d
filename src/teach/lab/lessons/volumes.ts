/** Volumes by hand: a bind mount, a volume that is filled from the image once, and a container that goes while it stays. */
import type { Lesson } from '../lesson.ts';
import { BOX_SETUP } from './chroot.ts';
import { need } from './seen.ts';

/** `-ef` compares device and inode: the mount shows that directory itself, not a copy. */
const shows = (place: string, source: string): string =>
  `mountpoint -q ${place} && [ ${source} -ef ${place} ]`;

/** Every name below a directory, and the directory itself, with kind, mode and owner. */
const LIST = `list() { (cd "$1" && find . -exec stat -c '%n %F %a %u:%g' {} + | sort); }`;

const VOLUME_MOUNTED = need(
  'the directory /srv/volumes/data is mounted at /srv/box/data, and can be written there',
  `${shows('/srv/box/data', '/srv/volumes/data')} && [ -w /srv/box/data ]`,
);

const IMAGE_UNTOUCHED = need(
  'the image has what it had',
  '[ "$(cat /srv/image/data/.settings)" = "from the image" ] && [ -e /srv/image/data/shared ] && [ -h /srv/image/data/latest ]',
);

const volumes: Lesson = {
  name: 'volumes',
  group: 'beyond',
  title: 'Volumes: what outlives a container',
  story:
    '/srv/box is the root file system of a container, made as a copy of the image /srv/image. What the container ' +
    'writes there goes with it. What is to stay lives in another directory, which is mounted over a place of the ' +
    'root file system: a bind mount shows a directory that is there already at a second place. Docker calls it a ' +
    'bind mount where you name the directory, and a volume where Docker keeps it. "chroot /srv/box sh" shows what ' +
    'the container sees.',
  setup: [
    ...BOX_SETUP,
    'mkdir -p /srv/box/etc/app /srv/box/data/shared /srv/volumes/data /srv/config',
    'echo "port = 80" >/srv/config/app.conf',
    'cd /srv/box/data && echo "from the image" >.settings && ln -s .settings latest && chown -h 1000:1000 .settings latest',
    'cd /srv/box/data && chown 1000:1000 . && chmod 750 . && chmod 640 .settings && chown 0:1000 shared && chmod 2770 shared',
    'cp -a /srv/box /srv/image',
    'echo "written by the first container" >/srv/box/tmp/scratch',
  ],
  steps: [
    {
      id: 'bind',
      title: 'A directory of the host, read-only',
      task: 'Let the container see the directory /srv/config itself at /etc/app, and not be able to write there. The host still writes to /srv/config.',
      hints: [
        'mount --bind OLD NEW. For the container /etc/app is what the host calls /srv/box/etc/app.',
        'Read-only is a property of the mount, not of the directory: -o ro, or remount,bind,ro afterwards.',
        'mount --bind -o ro /srv/config /srv/box/etc/app',
      ],
      solution: [
        {
          command: 'mount --bind /srv/config /srv/box/etc/app',
          why: 'No file is copied: from now on two names lead to one directory.',
        },
        {
          command: 'mount -o remount,bind,ro /srv/box/etc/app',
          why: 'With bind this changes the one mount. Without it, the whole file system would become read-only, wherever it is mounted.',
        },
        {
          command:
            'echo "port = 81" >/srv/config/app.conf; chroot /srv/box sh -c "cat /etc/app/app.conf; echo >/etc/app/other" || true',
          why: 'The container sees the change at once, and cannot make one: "-v /srv/config:/etc/app:ro".',
        },
      ],
      requirements: [
        need(
          'the directory /srv/config is mounted at /srv/box/etc/app',
          shows('/srv/box/etc/app', '/srv/config'),
        ),
        // -w asks access(2), which looks at the mount, too: root may write to every other directory.
        need('nobody can write there', '[ ! -w /srv/box/etc/app ]'),
        need('the host can write to /srv/config', '[ -w /srv/config ]'),
      ],
    },
    {
      id: 'fill',
      title: 'A volume begins as the image’s directory',
      task: 'The image brings files in /data. Fill the empty directory /srv/volumes/data with them, every owner and mode kept, those of the directory itself too. Then mount it at /data of the container.',
      hints: [
        'A mount hides what is below it, so an empty volume would hide the image’s files: copy them first.',
        'cp -a keeps owners, modes, times and links. "data/*" leaves out names with a dot and the directory itself; "data/." does not.',
        'cp -a /srv/image/data/. /srv/volumes/data; mount --bind /srv/volumes/data /srv/box/data',
      ],
      solution: [
        {
          command: 'cp -a /srv/image/data/. /srv/volumes/data',
          why: 'Docker’s copy-up. It is done once, while the volume is empty. A program that runs as user 1000 could not write to a directory of root.',
        },
        {
          command: 'mount --bind /srv/volumes/data /srv/box/data',
          why: 'What the image has at /data is still there, below the mount, and invisible.',
        },
        { command: 'chroot /srv/box ls -lna /data', why: 'Owners and modes as the image has them.' },
      ],
      requirements: [
        need(
          'each name of /srv/image/data is in /srv/volumes/data with its kind, mode and owner',
          `${LIST}
list /srv/volumes/data >/dev/null && [ "$( { list /srv/image/data; list /srv/volumes/data; list /srv/volumes/data; } | sort | uniq -u)" = '' ]`,
        ),
        need(
          'and with what is in it',
          '[ "$(cat /srv/volumes/data/.settings)" = "from the image" ] && [ "$(readlink /srv/volumes/data/latest)" = .settings ]',
        ),
        need(
          'the directory and its files are a copy, not the image’s own',
          '! [ /srv/volumes/data -ef /srv/image/data ] && ! [ /srv/volumes/data/.settings -ef /srv/image/data/.settings ]',
        ),
        VOLUME_MOUNTED,
        IMAGE_UNTOUCHED,
      ],
    },
    {
      id: 'outlive',
      title: 'The container goes, the volume stays',
      task: 'As the container, write "mine" to /data/.settings. Then remove the container, /srv/box with all that is in it, make a new one from /srv/image at the same place, and mount the volume there again. .settings says "mine" in the new one.',
      hints: [
        'What is mounted below /srv/box belongs to somebody else: rm would go into it.',
        'So unmount first. The volume is not empty this time: nothing is copied from the image into it.',
        'chroot /srv/box sh -c "echo mine >/data/.settings"; umount /srv/box/data /srv/box/etc/app; rm -r /srv/box; cp -a /srv/image /srv/box; mount --bind /srv/volumes/data /srv/box/data',
      ],
      solution: [
        {
          command: 'chroot /srv/box sh -c "echo mine >/data/.settings"',
          why: 'The write goes to /srv/volumes/data, past the root file system.',
        },
        {
          command: 'umount /srv/box/data /srv/box/etc/app',
          why: 'rm -r does not stop at a mount: it would delete the volume’s files.',
        },
        {
          command: 'rm -r --one-file-system /srv/box && cp -a /srv/image /srv/box',
          why: 'docker rm, and docker run with the same image. /tmp/scratch was in the old root file system and is gone.',
        },
        {
          command: 'mount --bind /srv/volumes/data /srv/box/data',
          why: 'The volume has something in it already, so it is left as it is, also where the image is a newer one.',
        },
        { command: 'chroot /srv/box cat /data/.settings', why: 'mine.' },
      ],
      requirements: [
        need(
          'the root file system is a new copy of the image: /srv/box/tmp/scratch is gone',
          '[ ! -e /srv/box/tmp/scratch ] && [ "$(cat /srv/box/etc/marker)" = box ] && [ -x /srv/box/bin/busybox ]',
        ),
        VOLUME_MOUNTED,
        need('/srv/box/data/.settings says mine', '[ "$(cat /srv/box/data/.settings)" = mine ]'),
        need(
          'it was written before the new root file system was made',
          '[ "$(find /srv/box/bin/busybox -cnewer /srv/volumes/data/.settings)" != "" ]',
        ),
        IMAGE_UNTOUCHED,
      ],
    },
  ],
  epilogue:
    'minidock run -v data:/data does the same in the container’s mount namespace, so the mounts end with it. An empty ' +
    'volume is filled from the image once; a directory that you name yourself (-v /srv/config:/etc/app) never is. ' +
    'minidock volume ls shows the volumes that stay.',
};

export const lessons: readonly Lesson[] = [volumes];
