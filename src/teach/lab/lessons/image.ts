/** From an image's archive to a running process by hand. */
import type { LabHost, Lesson, Requirement } from '../lesson.ts';
import { BOX_SETUP } from './chroot.ts';
import { need, needProcess } from './seen.ts';

/**
 * `list DIRECTORY` prints what is in it, a line each: kind, mode, owner, size and name, a link's target, a file's
 * checksum. The setup keeps the lists of the image and of its root file system, by which all is compared.
 */
const LIST = `list() (
  export LC_ALL=C
  cd "$1" && {
    find . -xdev -mindepth 1 -type d -exec stat -c "%F %a %u:%g %n" {} +
    find . -xdev ! -type d -exec stat -c "%F %a %u:%g %s %N" {} +
    find . -xdev -type f -exec sha256sum {} +
  } | sort
)`;

/** `differences` prints what is not as it was. */
function needEntries(text: string, differences: string): Requirement {
  const lines = async (host: LabHost): Promise<string | undefined> => {
    const script = `${LIST}\n[ -s /run/expected/rootfs ] && [ -s /run/expected/image ] && ${differences}`;
    const { status, stdout } = await host.run(['sh', '-c', script]);
    return status === 0 ? stdout : undefined;
  };
  return {
    text,
    holds: async (host) => (await lines(host)) === '',
    found: async (host) => {
      const name = /\.\/[\w./-]+/.exec((await lines(host)) ?? '')?.[0];
      return name === undefined ? undefined : `${name.slice(2)} differs, is missing or is too many`;
    },
  };
}

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
    `mkdir /run/expected /run/unpacked && tar -xf /root/image.tar -C /run/unpacked`,
    `${LIST}\nlist /srv/box >/run/expected/rootfs && list /run/unpacked >/run/expected/image`,
    'minidock rmi lesson/box && rm -rf /srv/box /run/unpacked',
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
        needEntries(
          '/root/image has all that is in the archive, as it is there',
          // A learner's own file beside them does no harm.
          'list /root/image | comm -23 /run/expected/image -',
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
        needEntries(
          '/srv/rootfs has all that is in the layer, as it is there, and nothing else',
          'list /srv/rootfs | comm -3 /run/expected/rootfs -',
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

export const lessons: readonly Lesson[] = [image];
