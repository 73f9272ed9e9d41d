/** overlayfs by hand: what a layer is, and what the upper one holds when files are changed, deleted and replaced. */
import type { Lesson } from '../lesson.ts';
import { need } from './seen.ts';

const isOverlay = (place: string, upper: string): string =>
  `findmnt -n -t overlay -o OPTIONS ${place} | tail -n 1 | grep -Eq 'upperdir=[^,]*${upper}(,|$)' && ` +
  `findmnt -n -t overlay -o OPTIONS ${place} | tail -n 1 | grep -Eq 'lowerdir[+]?=[^,]*lower(,|$)'`;

/** merged is an overlay mount, not a copy. */
const MOUNTED = need('merged is still the overlay of the two', isOverlay('/srv/layers/merged', 'upper'));

const overlay: Lesson = {
  name: 'overlay',
  group: 'beyond',
  title: 'Layers: overlayfs by hand',
  story:
    'An image is a pile of directories that nobody may change, and each container wants to change them. overlayfs ' +
    'shows several directories as one: reads go down the pile, writes go to the upper one alone. In /srv/layers ' +
    'are lower (as an image would be), and empty upper, work and merged. One thing differs from Docker on a ' +
    'machine: overlayfs keeps some of its marks in attributes named trusted.*, which only the machine’s root may ' +
    'set, and you are root of the lab’s user namespace. The option userxattr makes it use user.* instead.',
  setup: [
    'mkdir -p /srv/layers',
    'cd /srv/layers && mkdir lower upper work merged upper2 work2 merged2 lower/etc lower/doc lower/cache',
    'cd /srv/layers && echo "from the image" >lower/etc/motd && echo "read me" >lower/doc/readme && echo 1 >lower/cache/old',
  ],
  steps: [
    {
      id: 'mount',
      title: 'The pile',
      task: 'Mount at /srv/layers/merged an overlay of lower and upper, with work as its work directory and with userxattr.',
      hints: [
        'mount -t overlay, and options that name the directories.',
        'lowerdir=, upperdir=, workdir= and userxattr',
        'cd /srv/layers; mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr merged',
      ],
      solution: [
        {
          command:
            'mount -t overlay overlay -o lowerdir=/srv/layers/lower,upperdir=/srv/layers/upper,workdir=/srv/layers/work,userxattr /srv/layers/merged',
          why: 'work has to be on the file system of upper: files are prepared there and renamed into place.',
        },
      ],
      requirements: [
        need(
          'an overlay with the upper directory upper is mounted at merged',
          isOverlay('/srv/layers/merged', 'upper'),
        ),
        need(
          'its marks are attributes user.*',
          'findmnt -n -t overlay -o OPTIONS /srv/layers/merged | tail -n 1 | grep -qw userxattr',
        ),
        need(
          'the file of the lower layer shows through',
          'grep -q image /srv/layers/merged/etc/motd || [ -e /srv/layers/upper/etc/motd ]',
        ),
      ],
    },
    {
      id: 'copy-up',
      title: 'A changed file',
      task: 'Change etc/motd as merged shows it. Then look at upper and at lower.',
      hints: [
        'Just write to it.',
        'The whole file is copied before the first write.',
        'echo "from the container" >>/srv/layers/merged/etc/motd',
      ],
      solution: [
        {
          command: 'echo "from the container" >>/srv/layers/merged/etc/motd',
          why: 'Opening for writing copies the file up, all of it: a line appended to a large file costs the whole file.',
        },
        {
          command: 'find /srv/layers/upper -type f',
          why: 'What a container has changed is what is in its upper directory ("docker diff").',
        },
      ],
      requirements: [
        need(
          'upper has a copy of etc/motd that differs',
          '[ -f /srv/layers/upper/etc/motd ] && ! cmp -s /srv/layers/upper/etc/motd /srv/layers/lower/etc/motd',
        ),
        need('lower has what it had', '[ "$(cat /srv/layers/lower/etc/motd)" = "from the image" ]'),
        MOUNTED,
        need('and merged shows the copy', 'cmp -s /srv/layers/merged/etc/motd /srv/layers/upper/etc/motd'),
      ],
    },
    {
      id: 'whiteout',
      title: 'A deleted file',
      task: 'Make doc/readme disappear from merged, though lower keeps it.',
      hints: [
        'Delete it where you see it.',
        'rm in merged; then ls -l upper/doc',
        'rm /srv/layers/merged/doc/readme',
      ],
      solution: [
        {
          command: 'rm /srv/layers/merged/doc/readme',
          why: 'lower cannot be touched, so upper gets a mark: a character device with the numbers 0, 0, a whiteout.',
        },
        {
          command: 'ls -l /srv/layers/upper/doc',
          why: 'The mark is seen only here. In an image’s layer it is a file named .wh.readme.',
        },
      ],
      requirements: [
        need(
          'merged has no doc/readme, lower has',
          '[ ! -e /srv/layers/merged/doc/readme ] && [ -f /srv/layers/lower/doc/readme ]',
        ),
        need(
          'upper has a whiteout in its place',
          '[ "$(stat -c "%F %t:%T" /srv/layers/upper/doc/readme)" = "character special file 0:0" ]',
        ),
        MOUNTED,
      ],
    },
    {
      id: 'opaque',
      title: 'A replaced directory',
      task: 'Delete the directory cache in merged and make a new one with nothing but a file "new" in it.',
      hints: [
        'rm -r, mkdir.',
        'The new directory must not show what the old one held.',
        'cd /srv/layers/merged; rm -r cache; mkdir cache; touch cache/new',
      ],
      solution: [
        { command: 'rm -r /srv/layers/merged/cache', why: 'One whiteout for the whole directory.' },
        {
          command: 'cd /srv/layers/merged && mkdir cache && touch cache/new',
          why: 'A directory is merged with those below it, unless it is opaque: the mark is an attribute, user.overlay.opaque=y (trusted.overlay.opaque=y without userxattr).',
        },
      ],
      requirements: [
        need('merged/cache holds just "new"', '[ "$(ls -A /srv/layers/merged/cache)" = new ]'),
        need(
          'upper/cache is a directory without whiteouts, so it hides lower/cache/old by being opaque',
          '[ "$(ls -A /srv/layers/upper/cache)" = new ] && [ -f /srv/layers/lower/cache/old ]',
        ),
        MOUNTED,
      ],
    },
    {
      id: 'share',
      title: 'Two containers, one image',
      task: 'Mount a second overlay at merged2, on the same lower, with upper2 and work2. Write "two" into its etc/motd.',
      hints: [
        'lower may be shared by any number of overlays; upper and work may not.',
        'The first step’s mount with other directories.',
        'mount -t overlay overlay -o lowerdir=lower,upperdir=upper2,workdir=work2,userxattr merged2; echo two >merged2/etc/motd',
      ],
      solution: [
        {
          command:
            'mount -t overlay overlay -o lowerdir=/srv/layers/lower,upperdir=/srv/layers/upper2,workdir=/srv/layers/work2,userxattr /srv/layers/merged2',
          why: 'The files of lower are on the disk, and in the page cache, once.',
        },
        {
          command: 'echo two >/srv/layers/merged2/etc/motd',
          why: 'Goes to upper2; neither lower nor the first container notices.',
        },
      ],
      requirements: [
        need(
          'an overlay with the upper directory upper2 is mounted at merged2',
          isOverlay('/srv/layers/merged2', 'upper2'),
        ),
        need('its etc/motd says two', 'grep -qx two /srv/layers/merged2/etc/motd'),
        need('the doc/readme deleted in the first is still here', '[ -f /srv/layers/merged2/doc/readme ]'),
        need(
          'merged and lower say something else',
          '! grep -qx two /srv/layers/merged/etc/motd /srv/layers/lower/etc/motd',
        ),
        MOUNTED,
      ],
    },
  ],
  epilogue:
    'minidock inspect shows these directories of a container under GraphDriver (LowerDir, UpperDir, WorkDir, MergedDir); ' +
    'a volume is a bind mount over it, so that its writes miss the upper layer and outlive the container.',
};

export const lessons: readonly Lesson[] = [overlay];
