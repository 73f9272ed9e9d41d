/** Layers, limits, masks, privileges, images by hand, and the first process. */
import { volumeWays } from './volumes.ts';
import { IN_BACKGROUND, KILL_SLEEPERS, type LessonWays, type Wrong } from './ways.ts';

const LAYERS = 'cd /srv/layers; mount -t overlay overlay -o';

const overlay: LessonWays = {
  lesson: 'overlay',
  steps: {
    mount: {
      wrong: [
        {
          type: `${LAYERS} lowerdir=upper,upperdir=lower,workdir=work,userxattr merged`,
          undo: 'umount /srv/layers/merged',
        },
        // For looking only.
        {
          type: `${LAYERS} lowerdir=lower:upper,userxattr merged`,
          undo: 'umount /srv/layers/merged',
        },
        { type: 'cp -r /srv/layers/lower/. /srv/layers/merged', undo: 'rm -r /srv/layers/merged/*' },
      ],
      right: `${LAYERS} userxattr,workdir=work,upperdir=/srv/layers/upper,lowerdir=/srv/layers/lower merged`,
    },
    'copy-up': {
      wrong: [
        {
          type: 'echo more >>/srv/layers/lower/etc/motd',
          undo: 'echo "from the image" >/srv/layers/lower/etc/motd',
        },
        // A copy by hand, and nothing mounted.
        {
          type: 'cd /srv/layers; umount merged; cp -r lower/. merged; echo more >>merged/etc/motd; cp -r merged/etc upper',
          undo: `cd /srv/layers; rm -r merged/* upper/etc; ${LAYERS} lowerdir=/srv/layers/lower,upperdir=/srv/layers/upper,workdir=/srv/layers/work,userxattr merged`,
          misses: 'still the overlay',
        },
        { type: 'touch /srv/layers/merged/etc/motd' },
      ],
      right: 'sed -i s/image/container/ /srv/layers/merged/etc/motd',
    },
    whiteout: {
      wrong: [
        {
          type: 'rm /srv/layers/lower/doc/readme',
          undo: 'echo "read me" >/srv/layers/lower/doc/readme',
        },
        ': >/srv/layers/merged/doc/readme',
        {
          type: 'mv /srv/layers/merged/doc/readme /srv/layers/merged/doc/gone; rm /srv/layers/upper/doc/readme; touch /srv/layers/upper/doc/readme',
        },
      ],
      right:
        'umount /srv/layers/merged; rm -rf /srv/layers/upper/doc; mkdir -p /srv/layers/upper/doc; mknod /srv/layers/upper/doc/readme c 0 0; cd /srv/layers; mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr merged',
    },
    opaque: {
      wrong: [
        // The old file is hidden by itself.
        'rm /srv/layers/merged/cache/old; touch /srv/layers/merged/cache/new',
        'rm -r /srv/layers/merged/cache; mkdir /srv/layers/merged/cache',
      ],
      right: 'touch /srv/layers/merged/cache/new',
    },
    share: {
      wrong: [
        {
          type: `${LAYERS} lowerdir=lower,upperdir=upper2,workdir=work2,userxattr merged2`,
          misses: 'says two',
        },
        {
          type: 'echo two >/srv/layers/merged2/etc/motd; cp /srv/layers/merged/etc/motd /tmp/one; echo two >/srv/layers/merged/etc/motd',
          undo: 'cp /tmp/one /srv/layers/merged/etc/motd',
          misses: 'say something else',
        },
        {
          type: 'umount /srv/layers/merged2; mkdir -p /srv/layers/merged2/etc /srv/layers/merged2/doc; echo two >/srv/layers/merged2/etc/motd; touch /srv/layers/merged2/doc/readme',
          undo: 'rm -r /srv/layers/merged2/*',
          misses: 'mounted at merged2',
        },
      ],
    },
  },
};

const PIDS = (group: string, most: number): string =>
  `mkdir -p /root/pids/${group}; echo ${most} >/root/pids/${group}/pids.max; bash -c 'echo $BASHPID >/root/pids/${group}/cgroup.procs; (:|:|:|:|:|:|:|:|:)' ${IN_BACKGROUND}`;
const MEMORY = (group: string, most: string): string =>
  `mkdir -p /root/memory/${group}; cd /root/memory/${group}; if [ -e memory.max ]; then echo ${most} >memory.max; echo 0 >memory.swap.max; else echo ${most} >memory.limit_in_bytes; fi; sh -c 'echo $$ >cgroup.procs; head -c 60m /dev/zero | tail >/dev/null' || true`;

const cgroupLimits: LessonWays = {
  lesson: 'cgroup-limits',
  steps: {
    version: {
      wrong: [
        'if [ -e /root/memory/cgroup.controllers ]; then echo 1; else echo 2; fi >/root/version',
        'echo 12 >/root/version',
      ],
    },
    pids: {
      wrong: [
        // A limit that nobody ever met; and another one.
        'mkdir /root/pids/calm; echo 5 >/root/pids/calm/pids.max',
        PIDS('six', 6),
      ],
      // The kernel counts what it refused at the group of the process, below the limit's.
      right: `mkdir -p /root/pids/above/below; echo 5 >/root/pids/above/pids.max; ${PIDS('above/below', 9)}`,
    },
    memory: {
      wrong: [
        'mkdir /root/memory/calm; cd /root/memory/calm; if [ -e memory.max ]; then echo 20M >memory.max; else echo 20M >memory.limit_in_bytes; fi',
        MEMORY('large', '40M'),
      ],
      right: MEMORY('other', '18M'),
    },
  },
};

const BOX = '$(cat /run/box)';

const NULL_BOUND = `nsenter -t ${BOX} -m mount --bind /dev/null /proc/interrupts`;
const readOnly = (path: string): string => `mount --bind ${path} ${path}; mount -o remount,bind,ro ${path}`;
/** A process with a /proc of its own, after these mounts. */
const box = (mounts: string): Wrong => ({
  type: `rm -f /run/done; unshare --pid --fork --mount-proc sh -c '${mounts}; touch /run/done; exec sleep 1000' ${IN_BACKGROUND} until [ -e /run/done ]; do sleep 0.02; done`,
  undo: KILL_SLEEPERS,
});

const masks: LessonWays = {
  lesson: 'masks',
  steps: {
    readonly: {
      wrong: [
        `unshare --pid --fork --mount-proc sh -c 'exec sleep 1000' ${IN_BACKGROUND}`,
        {
          type: `unshare --pid --fork --mount-proc sh -c 'mount --bind /proc/sys /proc/sys; exec sleep 1000' ${IN_BACKGROUND} sleep 0.2`,
          undo: KILL_SLEEPERS,
        },
        // All of the lab, and no process of its own.
        {
          type: `mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; unshare --mount sleep 1000 ${IN_BACKGROUND} sleep 0.2`,
          undo: `umount /proc/sys; ${KILL_SLEEPERS}`,
        },
        // One file, one directory, a file of the learner's, all of it but one that is mounted above it; nothing real.
        ...[
          readOnly('/proc/sys/net/ipv4/ip_forward'),
          readOnly('/proc/sys/net'),
          `echo 1 >/tmp/one; mount --bind /tmp/one /proc/sys/net/ipv4/ip_forward; mount -o remount,bind,ro /proc/sys/net/ipv4/ip_forward`,
          `${readOnly('/proc/sys')}; mount --bind /proc/1/net /proc/sys/net`,
          `${readOnly('/proc/sys')}; mount -t proc proc /proc`,
          'mount -t tmpfs -o ro tmpfs /proc/sys',
        ].map(box),
      ],
      // All of /proc.
      right: `unshare --pid --fork --mount-proc sh -c 'mount -o remount,bind,ro /proc; exec sleep 1000' ${IN_BACKGROUND} until lsns -n -t pid -o COMMAND | grep -q "^sleep"; do sleep 0.1; done; lsns -n -t pid -o PID | grep -vx " *1" | tail -n 1 >/run/box`,
    },
    file: {
      wrong: [
        {
          type: `nsenter -t ${BOX} -m mount --bind /dev/zero /proc/interrupts`,
          undo: `nsenter -t ${BOX} -m -p umount /proc/interrupts`,
        },
        {
          type: `touch /tmp/empty; nsenter -t ${BOX} -m mount --bind /tmp/empty /proc/interrupts`,
          undo: `nsenter -t ${BOX} -m -p umount /proc/interrupts`,
        },
        { type: 'mount --bind /dev/null /proc/interrupts', undo: 'umount /proc/interrupts' },
        // Nobody can open it.
        {
          type: `${NULL_BOUND}; nsenter -t ${BOX} -m mount -o remount,bind,nodev /proc/interrupts`,
          undo: `nsenter -t ${BOX} -m -p umount /proc/interrupts`,
        },
      ],
    },
    directory: {
      wrong: [
        {
          type: `nsenter -t ${BOX} -m mount -t tmpfs tmpfs /sys/firmware`,
          undo: `nsenter -t ${BOX} -m -p umount /sys/firmware`,
        },
        {
          type: `nsenter -t ${BOX} -m mount --bind /usr/share /sys/firmware; nsenter -t ${BOX} -m mount -o remount,bind,ro /sys/firmware || true`,
          undo: `nsenter -t ${BOX} -m -p umount /sys/firmware`,
        },
        // A writable one above the other.
        {
          type: `for o in ro rw; do nsenter -t ${BOX} -m mount -t tmpfs -o $o tmpfs /sys/firmware; done`,
          undo: `for o in ro rw; do nsenter -t ${BOX} -m -p umount /sys/firmware; done`,
        },
        `unshare --mount sh -c 'mount -t tmpfs -o ro tmpfs /sys/firmware; exec sleep 1000' ${IN_BACKGROUND}`,
      ],
      right: `mkdir /tmp/none; nsenter -t ${BOX} -m mount --bind /tmp/none /sys/firmware; nsenter -t ${BOX} -m mount -o remount,bind,ro /sys/firmware`,
    },
  },
};

const NOBODY = 'setpriv --reuid 65534 --regid 65534 --clear-groups';
const BIND = '--inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service';

const capabilities: LessonWays = {
  lesson: 'capabilities',
  steps: {
    less: {
      // Out of the inheritable set alone: root gets it from the bounding set again.
      wrong: [
        `setpriv --inh-caps=-chown sleep 1000 ${IN_BACKGROUND}`,
        `setpriv --reuid 1000 --clear-groups sleep 1000 ${IN_BACKGROUND}`,
      ],
      right: `setpriv --inh-caps=-all --bounding-set=-all,+kill sleep 1000 ${IN_BACKGROUND}`,
    },
    docker: {
      wrong: [
        `setpriv --inh-caps=-all --bounding-set=-sys_admin,-net_admin sleep 1000 ${IN_BACKGROUND}`,
        // One too few.
        `setpriv --inh-caps=-all --bounding-set=-all,+dac_override,+fsetid,+fowner,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write sleep 1000 ${IN_BACKGROUND}`,
      ],
    },
    one: {
      wrong: [
        // The one with the capability serves nothing; the one that serves is root.
        {
          type: `${NOBODY} ${BIND} sleep 1000 ${IN_BACKGROUND} busybox httpd -p 203.0.113.2:80 -h /srv/www`,
          misses: 'listens on port 80',
        },
        // And where it does serve, it is not where it was to.
        {
          type: `${NOBODY} ${BIND} busybox httpd -f -p 127.0.0.1:80 -h /srv/www ${IN_BACKGROUND} sleep 0.2`,
          misses: 'listens on port 80',
        },
        {
          type: `kill $(pidof busybox); while pidof busybox; do sleep 0.1; done; ${NOBODY} --inh-caps=-all,+net_bind_service,+chown --ambient-caps=-all,+net_bind_service,+chown busybox httpd -f -p 203.0.113.2:80 -h /srv/www ${IN_BACKGROUND} sleep 0.2`,
          misses: 'listens on port 80',
        },
      ],
      right: `kill $(pidof busybox); while pidof busybox; do sleep 0.1; done; ${NOBODY} ${BIND} busybox httpd -f -p 80 -h /srv/www ${IN_BACKGROUND}`,
    },
    nnp: {
      wrong: [
        `${NOBODY} /srv/borrowed 1000 ${IN_BACKGROUND}`,
        `setpriv --no-new-privs /srv/borrowed 1000 ${IN_BACKGROUND}`,
        // It became root before it promised anything.
        `setpriv --ruid 65534 --clear-groups --no-new-privs sleep 1000 ${IN_BACKGROUND}`,
      ],
      right: `setpriv --no-new-privs ${NOBODY} /srv/borrowed 1000 ${IN_BACKGROUND}`,
    },
  },
};

/** `answers` of four instructions: where the number of uname(2) is looked for, what equal and what others get. */
const filter = (
  equal: string,
  others: string,
  call = '$(uname -m | grep -q x86 && echo 77 || echo 240)',
): string =>
  `printf '\\40\\0\\0\\0\\0\\0\\0\\0' >/root/filter; printf "\\25\\0\\0\\1\\\\${call}\\0\\0\\0" >>/root/filter; printf '\\6\\0\\0\\0${equal}\\6\\0\\0\\0${others}' >>/root/filter`;
const [ALLOW, FAIL, KILL] = ['\\0\\0\\377\\177', '\\1\\0\\5\\0', '\\0\\0\\0\\200'];

/** Instructions as code, jump if true, jump if false, number. */
const bpf = (...program: readonly (readonly [number, number, number, number])[]): string => {
  const bytes = program.flatMap(([code, yes, no, k]) => [
    ...[code & 255, code >> 8, yes, no],
    ...[k & 255, (k >>> 8) & 255, (k >>> 16) & 255, k >>> 24],
  ]);
  return `printf '${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}' >/root/filter`;
};
const ARM = process.arch === 'arm64';
const UNAME = ARM ? 160 : 63;
const BIND_CALL = ARM ? 200 : 49;
const ARCHITECTURE = ARM ? 0xc000_00b7 : 0xc000_003e;
const NR = [0x20, 0, 0, 0] as const;
const [RETURN_ALLOW, RETURN_FAIL] = [[6, 0, 0, 0x7fff_0000] as const, [6, 0, 0, 0x5_0001] as const];

const seccomp: LessonWays = {
  lesson: 'seccomp',
  steps: {
    write: {
      wrong: [
        filter(ALLOW, FAIL),
        filter(ALLOW, ALLOW),
        filter(FAIL, FAIL),
        { type: filter(KILL, ALLOW), misses: 'is not killed' },
        // A call that makes directories.
        { type: filter(FAIL, ALLOW, '123') },
        // Others besides: semget, kill, bind and listen, all of the newer ones, one with a certain argument.
        ...[
          bpf(NR, [0x35, 0, 2, UNAME], [0x25, 1, 0, UNAME + 1], RETURN_FAIL, RETURN_ALLOW),
          bpf(NR, [0x15, 1, 0, UNAME], [0x15, 0, 1, ARM ? 129 : 62], RETURN_FAIL, RETURN_ALLOW),
          bpf(
            NR,
            [0x15, 2, 0, UNAME],
            [0x15, 1, 0, BIND_CALL],
            [0x15, 0, 1, BIND_CALL + 1],
            RETURN_FAIL,
            RETURN_ALLOW,
          ),
          bpf(NR, [0x15, 1, 0, UNAME], [0x35, 0, 1, 440], RETURN_FAIL, RETURN_ALLOW),
          bpf(
            ...[NR, [0x15, 3, 0, UNAME] as const, [0x15, 0, 3, 220] as const, [0x20, 0, 0, 16] as const],
            ...[[0x15, 0, 1, 77] as const, RETURN_FAIL, RETURN_ALLOW],
          ),
        ].map((type): Wrong => ({ type, misses: 'every other system call' })),
        // Says that it went well, and does nothing.
        { type: filter('\\0\\0\\5\\0', ALLOW), misses: 'is not killed' },
      ],
      // With another error, and programs of other architectures are killed.
      right: bpf(
        ...[[0x20, 0, 0, 4] as const, [0x15, 1, 0, ARCHITECTURE] as const, [6, 0, 0, 0x8000_0000] as const],
        ...[NR, [0x15, 0, 1, UNAME] as const, [6, 0, 0, 0x5_0026] as const, RETURN_ALLOW],
      ),
    },
    run: {
      wrong: [
        `setpriv --no-new-privs sleep 1000 ${IN_BACKGROUND}`,
        'setpriv --no-new-privs --seccomp-filter /root/filter true',
      ],
      right: `setpriv --seccomp-filter /root/filter sleep 1000 ${IN_BACKGROUND}`,
    },
    container: {
      wrong: [
        {
          type: 'minidock run -d --name open --network none --security-opt seccomp=unconfined lesson/box sleep 1000',
          undo: 'minidock rm -f open',
        },
        // A filter that lets everything pass; and one that only a visitor of the container has.
        {
          type: `echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >/tmp/all.json; minidock run -d --name open --network none --security-opt seccomp=/tmp/all.json lesson/box sleep 1000`,
          undo: 'minidock rm -f open',
        },
        {
          type: `minidock run -d --name open --network none --security-opt seccomp=unconfined lesson/box sleep 1000; setpriv --no-new-privs --seccomp-filter /root/filter nsenter -t $(minidock inspect -f '{{.State.Pid}}' open) -m -p sleep 1000 ${IN_BACKGROUND} sleep 0.1`,
          undo: 'minidock rm -f open',
        },
        'minidock run --network none lesson/box true',
      ],
      right: 'minidock run -d --network none --name goes-on lesson/box sleep 2000',
    },
    unconfined: {
      wrong: [
        'minidock run -d --network none lesson/box unshare -U sleep 1000',
        'minidock run -d --network none --security-opt seccomp=unconfined lesson/box sleep 1000',
        // No container; and no process of the container.
        `unshare --user --pid --fork chroot /srv/box sleep 1000 ${IN_BACKGROUND} sleep 0.1`,
        `nsenter -t $(minidock inspect -f '{{.State.Pid}}' goes-on) -m -p unshare -U sleep 1000 ${IN_BACKGROUND} sleep 0.1`,
      ],
    },
  },
};

const FIRST = "grep -o 'sha256:[0-9a-f]*' /root/image/index.json | head -n 1 | cut -d: -f2";

const UNPACK =
  "tar -C /srv/rootfs -xf /root/image/blobs/sha256/$(grep -o 'sha256:[0-9a-f]*' /root/manifest.json | tail -n 1 | cut -d: -f2)";

const image: LessonWays = {
  lesson: 'image-by-hand',
  steps: {
    unpack: {
      wrong: [
        'mkdir -p /root/image; cp /root/image.tar /root/image',
        'tar -xf /root/image.tar -C /root',
        // Without the layer; with a layer that is not whole.
        'tar -xf /root/image.tar -C /root/image; cd /root/image/blobs/sha256; rm $(ls -S | head -n 1)',
        'tar -xf /root/image.tar -C /root/image; cd /root/image/blobs/sha256; truncate -s 100K $(ls -S | head -n 1)',
      ],
      right: 'rm -r /root/image; cd /root; mkdir image; tar -x -C image <image.tar',
    },
    follow: {
      wrong: [
        // The list for old versions of Docker, which only has the same name.
        'cp /root/image/manifest.json /root/manifest.json',
        `cp /root/image/blobs/sha256/$(${FIRST}) /root/manifest.json; cp /root/manifest.json /root/config.json`,
        // A layer.
        `cp /root/image/blobs/sha256/$(grep -o 'sha256:[0-9a-f]*' /root/manifest.json | tail -n 1 | cut -d: -f2) /root/config.json`,
      ],
    },
    layers: {
      wrong: [
        'mkdir -p /srv/rootfs; tar -xf /root/image.tar -C /srv/rootfs',
        `mkdir -p /srv/rootfs/layer; tar -xf /root/image/blobs/sha256/$(grep -o 'sha256:[0-9a-f]*' /root/manifest.json | tail -n 1 | cut -d: -f2) -C /srv/rootfs/layer`,
        // A program cut off, most of them gone, one without its mode, another's files among them.
        ...[
          'truncate -s 1000000 bin/busybox',
          'cd bin; for i in *; do case $i in busybox | sh | sleep | mount) ;; *) rm $i ;; esac; done',
          'chmod -x bin/busybox',
          'cp -a /etc/. etc/',
        ].map((line) => `rm -rf /srv/rootfs; mkdir /srv/rootfs; ${UNPACK}; cd /srv/rootfs; ${line}`),
      ],
      right: `rm -rf /srv/rootfs; mkdir -m 700 /srv/rootfs; ${UNPACK} --exclude ./bin --exclude ./app; ${UNPACK} ./bin ./app`,
    },
    run: {
      wrong: [
        `chroot /srv/rootfs sh -c 'cd /app; exec sleep 4000' ${IN_BACKGROUND}`,
        `env -i GREETING=hello /usr/sbin/chroot /srv/rootfs /bin/sleep 4000 ${IN_BACKGROUND}`,
        `env -i GREETING=hello PATH=/bin /usr/sbin/chroot /srv/rootfs /bin/sh -c 'cd /app; exec sleep 400' ${IN_BACKGROUND}`,
        `cd /srv/rootfs/app; GREETING=hello sleep 4000 ${IN_BACKGROUND}`,
      ],
      right: `env -i GREETING=hello /usr/sbin/chroot /srv/rootfs /bin/sh -c 'cd /app; exec /bin/sleep 4000' ${IN_BACKGROUND}`,
    },
  },
};

const pidOne: LessonWays = {
  lesson: 'pid-one',
  steps: {
    zombie: {
      wrong: [
        // In the lab's own namespace; and where PID 1 is not the one who forgets.
        `sh -c 'sleep 0.1 & exec sleep 1000' ${IN_BACKGROUND} sleep 0.3`,
        `unshare --pid --fork --mount-proc bash -c 'perl -e "fork or exit; sleep 1000" & wait' ${IN_BACKGROUND} sleep 0.3`,
      ],
      right: `unshare --pid --fork --mount-proc perl -e 'fork or exit; sleep 1000' ${IN_BACKGROUND}`,
    },
    init: {
      // Handles nothing; and one that handles the signal, but never waits for its children.
      wrong: [
        `unshare --pid --fork --mount-proc sleep 1000 ${IN_BACKGROUND}`,
        `unshare --pid --fork --mount-proc perl -e '$SIG{TERM} = sub { exit }; if (fork == 0) { exit } sleep 1000' ${IN_BACKGROUND}`,
        `bash -c 'trap "exit 0" TERM; sleep 1000 & wait' ${IN_BACKGROUND}`,
      ],
      right: `unshare --pid --fork --mount-proc sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done' ${IN_BACKGROUND}`,
    },
    signal: {
      wrong: [
        'kill -TERM $(lsns -n -t pid -o PID,COMMAND | sed -n "s/^ *\\([0-9]*\\) sleep 7001$/\\1/p")',
        'for p in /proc/[0-9]*; do case $(tr "\\0" " " <$p/cmdline) in "sleep 7002 " | "sleep 7003 ") kill ${p#/proc/} ;; esac; done',
      ],
      right:
        'for p in /proc/[0-9]*; do case $(tr "\\0" " " <$p/cmdline) in "sleep 7001 ") kill -9 ${p#/proc/} ;; esac; done',
    },
  },
};

export const limitWays: readonly LessonWays[] = [
  overlay,
  volumeWays,
  cgroupLimits,
  masks,
  capabilities,
  seccomp,
  image,
  pidOne,
];
