/** Volumes: a copy for a mount, a mount for a copy, and a removal that goes too far. */
import type { LessonWays } from './ways.ts';

const NEW_BOX = 'rm -r --one-file-system /srv/box; cp -a /srv/image /srv/box';
const MOUNT = 'mount --bind /srv/volumes/data /srv/box/data';
const WRITE = 'echo mine >/srv/box/data/.settings';

export const volumeWays: LessonWays = {
  lesson: 'volumes',
  steps: {
    bind: {
      wrong: [
        {
          type: 'cp -a /srv/config/. /srv/box/etc/app; chmod 555 /srv/box/etc/app',
          undo: 'rm /srv/box/etc/app/app.conf',
        },
        {
          type: 'mount --bind /srv/config /srv/box/etc/app; chmod 555 /srv/config',
          undo: 'umount /srv/box/etc/app',
          misses: 'nobody can write there',
        },
        // A bind mount of a read-only one is read-only, too.
        {
          type: 'mount --bind -o ro /srv/config /srv/config; mount --bind /srv/config /srv/box/etc/app',
          undo: 'umount /srv/box/etc/app /srv/config',
          misses: 'the host can write',
        },
      ],
      right: 'mount --bind -o ro /srv/config /srv/box/etc/app',
    },
    fill: {
      wrong: [
        // Too late: it copies the volume onto itself.
        {
          type: `${MOUNT}; cp -a /srv/box/data/. /srv/volumes/data 2>/dev/null || true`,
          undo: 'umount /srv/box/data',
        },
        {
          type: `cp -r /srv/image/data/. /srv/volumes/data; ${MOUNT}`,
          undo: 'umount /srv/box/data; rm -r /srv/volumes/data; mkdir /srv/volumes/data',
          misses: 'with its kind, mode and owner',
        },
        // Without the directory's own owner and mode.
        {
          type: `cp -a /srv/image/data/* /srv/image/data/.settings /srv/volumes/data; ${MOUNT}`,
          undo: 'umount /srv/box/data; rm -r /srv/volumes/data; mkdir /srv/volumes/data',
          misses: 'with its kind, mode and owner',
        },
        // No copy: what the container writes there would be in the image.
        {
          type: `rmdir /srv/volumes/data; ln -s /srv/image/data /srv/volumes/data; ${MOUNT}`,
          undo: 'umount /srv/box/data; rm /srv/volumes/data; mkdir /srv/volumes/data',
          misses: 'are a copy',
        },
        {
          type: `cp -al /srv/image/data/. /srv/volumes/data; ${MOUNT}`,
          undo: 'umount /srv/box/data; rm -r /srv/volumes/data; mkdir /srv/volumes/data',
          misses: 'are a copy',
        },
      ],
      right: `tar -C /srv/image/data -cpf - . | tar -C /srv/volumes/data -xpf -; ${MOUNT}`,
    },
    outlive: {
      wrong: [
        // Filled once more.
        {
          type: `${WRITE}; umount /srv/box/data /srv/box/etc/app; ${NEW_BOX}; ${MOUNT}; cp -a /srv/image/data/. /srv/volumes/data`,
          misses: 'says mine',
        },
        // Written in the new one only.
        { type: WRITE, misses: 'before the new root' },
        // rm goes into the volume.
        {
          type: `rm -rf /srv/box 2>/dev/null; umount /srv/box/data; ${NEW_BOX}; ${MOUNT}`,
          undo: 'cp -a /srv/image/data/. /srv/volumes/data',
        },
      ],
      right: `${WRITE}; umount -l /srv/box/data; mv /srv/box /srv/old; cp -a /srv/image /srv/box; mount --rbind /srv/volumes/data /srv/box/data; rm -r /srv/old`,
    },
  },
};
