/** User namespaces: another uid for the same user, and capabilities over what the namespace owns. */
import type { Lesson } from '../lesson.ts';
import { need, needProcess } from './seen.ts';

const user: Lesson = {
  name: 'ns-user',
  group: 'beyond',
  title: 'Root in there, nobody out here',
  story:
    'A user namespace maps numbers of users: 0 inside may be 1000 outside. Its first process has every capability, but ' +
    'only over what belongs to that namespace. It is the one kind that needs no privilege to make, and the way all ' +
    '"rootless" containers begin. The lab is one, too: /proc/self/uid_map has the number that its root is on the machine. (Where user.max_user_namespaces is 0 the machine does not allow it, and this lesson ' +
    'cannot be solved.)',
  setup: ['mkdir -m 777 /srv/drop'],
  steps: [
    {
      id: 'map',
      title: 'A map of one line',
      task: 'Let a process be root in a user namespace of its own and be user 1000 for the lab.',
      hints: [
        'Become user 1000 first (setpriv), then unshare.',
        'unshare --user --map-root-user writes "0 1000 1" into /proc/PID/uid_map.',
        'setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user sleep 1000 &',
      ],
      solution: [
        {
          command:
            'setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user sleep 1000 & echo $! >/run/box',
          why: 'As user 1000, with no capability at all. /proc/PID/uid_map has: inside 0, outside 1000, one number.',
        },
        {
          command: 'until grep -q 1000 /proc/$(cat /run/box)/uid_map; do sleep 0.1; done',
          why: 'Until the map is written.',
        },
      ],
      requirements: [
        needProcess(
          'a process of user 1000 is user 0 in a user namespace of its own',
          `own user && [ "$(stat -c %u $p/status)" = 1000 -o "$(field Uid | cut -f 1)" = 1000 ] && grep -Eq "^ *0 +1000 " $p/uid_map`,
        ),
      ],
    },
    {
      id: 'power',
      title: 'What root in there may do',
      task: 'Let such a process, still user 1000 for the lab, set its host name to "mine", and leave a file /srv/drop/by-root made by root inside and owned by 1000 outside.',
      hints: [
        'It owns the namespaces made after the user namespace, and no older ones.',
        'Unshare --uts together with --user.',
        "… unshare --user --map-root-user --uts sh -c 'hostname mine; touch /srv/drop/by-root; exec sleep 1000' &",
      ],
      solution: [
        {
          command:
            "setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user --uts sh -c 'hostname mine; touch /srv/drop/by-root; exec sleep 1000' & echo $! >/run/box",
          why: 'The UTS namespace belongs to the new user namespace, so CAP_SYS_ADMIN in there is enough for hostname.',
        },
        {
          command: 'until [ -e /srv/drop/by-root ]; do sleep 0.1; done',
          why: 'On disk there is only the outer number.',
        },
      ],
      requirements: [
        needProcess(
          'a process of user 1000 in its own user and UTS namespaces is on the host mine',
          'own user && own uts && [ "$(field Uid | cut -f 1)" = 1000 ] && [ "$(nsenter --uts=$p/ns/uts uname -n)" = mine ]',
        ),
        need('/srv/drop/by-root belongs to user 1000', '[ "$(stat -c %u /srv/drop/by-root)" = 1000 ]'),
      ],
    },
  ],
  epilogue:
    'Docker uses them with userns-remap or rootless, Podman by default for users, minidock with --userns=auto. ' +
    "Without them root in a container is the host's root, limited by capabilities, seccomp and masks, which have " +
    'their own lessons.',
};

export const lessons: readonly Lesson[] = [user];
