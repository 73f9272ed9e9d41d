/** From an image's archive to a running process by hand; and the duties of PID 1. */
import type { Lesson } from '../lesson.ts';
import { BOX_SETUP } from './chroot.ts';
import { need, needProcess } from './seen.ts';

const image: Lesson = {
  name: 'image-by-hand',
  group: 'beyond',
  title: 'An image unpacked by hand',
  story:
    'An image is a few JSON files and some archives, each named after the SHA-256 of its content. /root/image.tar is one, ' +
    'as "minidock save" (or docker save) wrote it. You follow the names from the index to the files, and run what is in ' +
    'it without any container runtime.\n' +
    '  index.json ──> manifest ──> config   (program, environment, directory)\n' +
    '                         └──> layers   (tar archives, the lowest first)',
  setup: [
    ...BOX_SETUP,
    'mkdir /srv/box/app',
    `tar -C /srv/box -cf - . | minidock import --change 'CMD ["sleep", "4000"]' --change 'ENV GREETING=hello' --change 'WORKDIR /app' - lesson/box`,
    'minidock save -o /root/image.tar lesson/box',
    'minidock rmi lesson/box && rm -rf /srv/box',
  ],
  steps: [
    {
      id: 'unpack',
      title: 'The archive',
      task: 'Unpack /root/image.tar into /root/image.',
      hints: [
        'It is a tar archive.',
        'tar -x -f FILE -C DIRECTORY',
        'mkdir /root/image; tar -xf /root/image.tar -C /root/image',
      ],
      solution: [
        {
          command: 'mkdir -p /root/image && tar -xf /root/image.tar -C /root/image',
          why: 'An "OCI image layout": oci-layout, index.json, and blobs.',
        },
        {
          command: 'cd /root/image && find . -type f',
          why: 'A blob’s name is the checksum of what is in it.',
        },
      ],
      requirements: [
        need(
          '/root/image has oci-layout, index.json and blobs',
          'cd /root/image && [ -f oci-layout ] && [ -f index.json ] && [ -d blobs/sha256 ]',
        ),
      ],
    },
    {
      id: 'follow',
      title: 'From name to name',
      task: 'Find the manifest by index.json and copy it to /root/manifest.json; find the configuration by the manifest and copy it to /root/config.json. Check that both have the checksum they are named after.',
      hints: [
        'The digest sha256:ABC… is the file blobs/sha256/ABC… (The manifest.json that lies beside index.json is another thing: the list by which older versions of docker load find their way.)',
        'In the manifest the first digest is that of the configuration, the others are layers.',
        "m=$(grep -o 'sha256:[0-9a-f]*' index.json | head -n 1 | cut -d: -f2); cp blobs/sha256/$m /root/manifest.json; the same once more; sha256sum FILE",
      ],
      solution: [
        {
          command:
            "cd /root/image; manifest=$(grep -o 'sha256:[0-9a-f]*' index.json | head -n 1 | cut -d: -f2)",
          why: 'The index names a manifest for each image or platform.',
        },
        {
          command:
            'echo "$manifest  blobs/sha256/$manifest" | sha256sum -c && cp blobs/sha256/$manifest /root/manifest.json',
          why:
            'The right digest proves the right content, wherever it came from. "docker pull NAME@sha256:…" relies ' +
            'on that.',
        },
        {
          command: "config=$(grep -o 'sha256:[0-9a-f]*' /root/manifest.json | head -n 1 | cut -d: -f2)",
          why: 'The digest of the configuration is the image’s ID.',
        },
        {
          command:
            'echo "$config  blobs/sha256/$config" | sha256sum -c && cp blobs/sha256/$config /root/config.json',
          why: 'It names the layers’ checksums in turn, so one digest covers everything.',
        },
      ],
      requirements: [
        need(
          '/root/manifest.json is what index.json names',
          'grep -q "sha256:$(sha256sum </root/manifest.json | cut -d" " -f1)" /root/image/index.json && grep -q \'"layers"\' /root/manifest.json',
        ),
        need(
          '/root/config.json is what the manifest names as config',
          'tr -d " \\n" </root/manifest.json | grep -Eq "\\"config\\":[{][^}]*sha256:$(sha256sum </root/config.json | cut -d" " -f1)"',
        ),
      ],
    },
    {
      id: 'layers',
      title: 'The root file system',
      task: 'Unpack the image’s layer into /srv/rootfs.',
      hints: [
        'This image has one layer: the other digest of the manifest.',
        'It may be compressed: tar finds out by itself.',
        'mkdir /srv/rootfs; tar -xf blobs/sha256/DIGEST -C /srv/rootfs',
      ],
      solution: [
        {
          command:
            "cd /root/image; layer=$(grep -o 'sha256:[0-9a-f]*' /root/manifest.json | tail -n 1 | cut -d: -f2)",
          why: 'With more layers: each in turn, in this order.',
        },
        {
          command: 'echo "$layer  blobs/sha256/$layer" | sha256sum -c',
          why: 'Checked before it is unpacked.',
        },
        {
          command: 'mkdir -p /srv/rootfs && tar -xf blobs/sha256/$layer -C /srv/rootfs',
          why:
            'A layer above could hold .wh.NAME, which deletes NAME of the layers below: when you unpack by hand ' +
            'you must delete it yourself.',
        },
      ],
      requirements: [
        need(
          '/srv/rootfs has the programs and files of the image',
          '[ "$(cat /srv/rootfs/etc/marker)" = box ] && [ -x /srv/rootfs/bin/busybox ] && [ -d /srv/rootfs/app ]',
        ),
      ],
    },
    {
      id: 'run',
      title: 'The program',
      task: 'Run the image’s program as its configuration says, with /srv/rootfs as the root: Cmd, Env and WorkingDir of /root/config.json.',
      hints: [
        'chroot, or pivot_root in a mount namespace, after the lesson chroot-pivot.',
        'env -i NAME=VALUE… PROGRAM gives a new environment.',
        "unshare --mount env -i GREETING=hello PATH=/bin chroot /srv/rootfs sh -c 'cd /app; exec sleep 4000' &",
      ],
      solution: [
        {
          command: 'grep -o \'"config":{[^}]*}\' /root/config.json || cat /root/config.json',
          why: 'What docker inspect shows as Config.',
        },
        {
          command:
            "env -i GREETING=hello PATH=/bin unshare --mount --uts --ipc --net --pid --fork /usr/sbin/chroot /srv/rootfs /bin/sh -c 'mount -t proc proc /proc; cd /app; exec sleep 4000' &",
          why:
            'All the namespaces, a root, an environment, a directory, a program: a container. (env -i finds ' +
            'unshare by the PATH that it sets.)',
        },
        {
          command: 'until ls -l /proc/*/cwd 2>/dev/null | grep -q /srv/rootfs/app; do sleep 0.1; done',
          why: 'Until it is there.',
        },
      ],
      requirements: [
        needProcess(
          'a process has the file system of the image as its root',
          '[ "$(stat -Lc %d:%i $p/root/etc/marker)" = "$(stat -Lc %d:%i /srv/rootfs/etc/marker)" ]',
        ),
        needProcess(
          'it runs sleep 4000 with GREETING=hello in the directory /app',
          '[ "$(stat -Lc %d:%i $p/root/etc/marker)" = "$(stat -Lc %d:%i /srv/rootfs/etc/marker)" ] && tr "\\0" " " <$p/cmdline | grep -Eqx "(/bin/)?sleep 4000 " && tr "\\0" "\\n" <$p/environ | grep -qx GREETING=hello && [ "$(stat -Lc %d:%i $p/cwd)" = "$(stat -Lc %d:%i /srv/rootfs/app)" ]',
        ),
      ],
    },
  ],
  epilogue:
    'minidock pull does the first three steps against a registry, checking each digest as it arrives (images/), and run ' +
    'the fourth, with an overlay instead of a copy. "minidock run --dry-run IMAGE" shows all of it as steps.',
};

const HANDLES_TERM = '[ $(( (0x$(field SigCgt) >> 14) & 1 )) = 1 ]';
const ONE = 'own pid && field NSpid | grep -Eq "[[:space:]]1$"';

const pidOne: Lesson = {
  name: 'pid-one',
  group: 'beyond',
  title: 'The first process',
  story:
    'PID 1 of a PID namespace has duties and privileges that few programs reckon with. Orphans become its ' +
    'children, and it has to reap them. Signals that it does not handle never reach it: SIGTERM does nothing, ' +
    'which is why "docker stop" of many an image takes ten seconds. And when it ends, everyone in the namespace is ' +
    'killed.',
  setup: [
    "setsid unshare --pid --fork --mount-proc sh -c 'sleep 7002 & sleep 7003 & exec sleep 7001' </dev/null >/dev/null 2>&1 &",
    'until lsns -n -t pid -o COMMAND | grep -qx "sleep 7001"; do sleep 0.05; done',
  ],
  steps: [
    {
      id: 'zombie',
      title: 'A zombie',
      task: 'Let a PID namespace have a zombie (state Z): a dead process that its PID 1 does not reap.',
      hints: [
        'sleep as PID 1 waits for nobody. It needs a child that ends.',
        'A shell that starts something in the background and then becomes sleep by exec.',
        "unshare --pid --fork --mount-proc sh -c 'sleep 0.1 & exec sleep 1000' &",
      ],
      solution: [
        {
          command: "unshare --pid --fork --mount-proc sh -c 'sleep 0.1 & exec sleep 1000' &",
          why: 'The short sleep’s parent is now a program that never calls wait(2): its entry in the table stays, with its exit status.',
        },
        {
          command: 'until grep -qs "^State:.*Z" /proc/[0-9]*/status; do sleep 0.1; done',
          why: 'It uses no memory, but a PID, and PIDs are limited (pids.max).',
        },
      ],
      requirements: [
        needProcess(
          'a process in a PID namespace below the lab’s is in state Z, and its parent is PID 1 there',
          `field State | grep -q ^Z && [ "$(field NSpid | wc -w)" -gt 1 ] && p=/proc/$(field PPid) && ${ONE}`,
        ),
      ],
    },
    {
      id: 'init',
      title: 'An init worth the name',
      task: 'Let a PID namespace have a PID 1 that handles SIGTERM and has no zombies: write it in shell.',
      hints: [
        'trap makes a shell handle a signal, and a shell reaps what it waits for.',
        'A trap runs when wait is interrupted: start the work in the background and wait for it.',
        'unshare --pid --fork --mount-proc bash -c \'trap "exit 0" TERM; (sleep 0.1 &); sleep 1000 & wait\' &',
      ],
      solution: [
        {
          command:
            'unshare --pid --fork --mount-proc bash -c \'trap "exit 0" TERM; (sleep 0.1 &); sleep 1000 & wait\' &',
          why:
            'The inner shell ends at once, so the short sleep is an orphan and becomes a child of PID 1, and bash ' +
            'reaps it.',
        },
        {
          command:
            'until init=$(xargs </proc/$!/task/$!/children); grep -s "SigCgt:.*[4567c-f]...$" /proc/$init/status; do sleep 0.1; done',
          why: 'SigCgt is the set of signals that a process handles; SIGTERM is number 15, so bit 14.',
        },
      ],
      requirements: [
        needProcess(
          'a process that is PID 1 in its own namespace handles SIGTERM, and nobody there is a zombie',
          `${ONE} && ${HANDLES_TERM} && ! nsenter -t $pid -p -m sh -c 'grep -qs "^State:.*Z" /proc/[0-9]*/status'`,
        ),
      ],
    },
    {
      id: 'signal',
      title: 'All at once',
      task: 'Three processes have been running since the lab began, sleep 7001 (PID 1 of a namespace), 7002 and 7003 (in it). End all three.',
      hints: [
        'One signal is enough. SIGTERM is not the one: PID 1 handles nothing.',
        'SIGKILL from outside reaches PID 1; from inside it does not.',
        'kill -KILL the number that lsns or ps shows for sleep 7001',
      ],
      solution: [
        {
          command:
            "first=$(lsns -n -t pid -o PID,COMMAND | sed -n 's/^ *\\([0-9]*\\) sleep 7001$/\\1/p'); kill -TERM $first",
          why: 'Ignored: the kernel delivers to PID 1 only what it handles, so that a stray signal does not end a system.',
        },
        {
          command: 'kill -KILL $first',
          why:
            'From a parent namespace SIGKILL and SIGSTOP always work. All other processes die with PID 1: no shim ' +
            'has to hunt for them.',
        },
        {
          command: "while lsns -n -t pid -o COMMAND | grep -qx 'sleep 7001'; do sleep 0.1; done",
          why: 'Gone.',
        },
      ],
      requirements: [
        need(
          'none of the three runs any more',
          `for p in /proc/[0-9]*; do
  case $(tr '\\0' ' ' <$p/cmdline) in 'sleep 7001 ' | 'sleep 7002 ' | 'sleep 7003 ') exit 1 ;; esac
done`,
        ),
      ],
    },
  ],
  epilogue:
    'docker run --init, and minidock’s, put a small init before your program: it forwards signals and reaps ' +
    'orphans. "stop" sends SIGTERM, waits ten seconds, and kills PID 1 as you did.',
};

export const lessons: readonly Lesson[] = [pidOne, image];
