/** The victim's own flags, harmless with another image: -v, --mount, --tmpfs and volumes whose target leads into /proc. */
import { WAYS, type AttackCase, type HostileImage, type Stage } from '../case.ts';
import { probeContainer } from '../probe.ts';
import {
  descriptorLinks,
  ESCAPE,
  FAKE_SELF,
  fakeSysctls,
  hostDirectoryOfLinks,
  link,
  volumes,
} from './shared.ts';

interface Mount {
  readonly name: string;
  readonly story: string;
  readonly image?: HostileImage;
  readonly short?: boolean;
  flags(stage: Stage): readonly string[] | Promise<readonly string[]>;
}

const LEADS_TO_SELF: HostileImage = { files: { ...link('/foo', '/proc/self'), ...FAKE_SELF } };
const leadsTo = (target: string): HostileImage => ({ files: link('/foo', target) });

const MOUNTS: readonly Mount[] = [
  {
    name: 'named-volume',
    story: 'A new named volume at /foo is filled by the image, and /foo leads to /proc/self.',
    short: true,
    flags: () => ['-v', 'data:/foo'],
  },
  {
    name: 'anonymous-volume',
    story: 'An anonymous volume at /foo is filled by the image, and /foo leads to /proc/self.',
    flags: () => ['-v', '/foo'],
  },
  {
    name: 'mount-volume',
    story: '--mount type=volume at /foo is filled by the image, and /foo leads to /proc/self.',
    flags: () => ['--mount', 'type=volume,src=data,dst=/foo'],
  },
  {
    name: 'bind',
    story: 'A repository of the attacker’s, shared at /foo, lands on /proc/self.',
    short: true,
    flags: (stage) => ['-v', `${hostDirectoryOfLinks(stage)}:/foo`],
  },
  {
    name: 'bind-read-only',
    story: 'A repository of the attacker’s, shared read-only at /foo, lands on /proc/self.',
    flags: (stage) => ['-v', `${hostDirectoryOfLinks(stage)}:/foo:ro`],
  },
  {
    name: 'mount-bind',
    story: 'A repository of the attacker’s, shared with --mount type=bind, lands on /proc/self.',
    flags: (stage) => ['--mount', `type=bind,src=${hostDirectoryOfLinks(stage)},dst=/foo`],
  },
  {
    name: 'bind-below-proc-link',
    story: '/foo leads to /proc, and a repository is shared at /foo/1.',
    image: leadsTo('/proc'),
    flags: (stage) => ['-v', `${hostDirectoryOfLinks(stage)}:/foo/1`],
  },
  {
    name: 'link-in-a-shared-volume',
    story: 'An earlier container left a link in a volume, and now something is mounted below that volume.',
    image: { files: {} },
    short: true,
    flags: async (stage) => {
      const image = await stage.image({
        files: { ...link('/outer/inner', '/proc/1'), ...descriptorLinks('/other/fd') },
      });
      const script = 'cp -a /outer/. /a; cp -a /other/. /b';
      await stage.minidock('run', '--rm', '-v', 'outer:/a', '-v', 'other:/b', image, 'sh', '-c', script);
      return ['-v', 'outer:/outer', '-v', 'other:/outer/inner'];
    },
  },
  {
    name: 'tmpfs-over-ns',
    story: '--tmpfs /foo covers /proc/self/ns.',
    image: leadsTo('/proc/self/ns'),
    flags: () => ['--tmpfs', '/foo'],
  },
  {
    name: 'tmpfs-over-sysctls',
    story: '--tmpfs /foo covers /proc/sys/kernel.',
    image: leadsTo('/proc/sys/kernel'),
    flags: () => ['--tmpfs', '/foo'],
  },
  {
    name: 'mount-tmpfs-over-fdinfo',
    story: '--mount type=tmpfs covers /proc/self/fdinfo.',
    image: leadsTo('/proc/self/fdinfo'),
    flags: () => ['--mount', 'type=tmpfs,dst=/foo'],
  },
  {
    name: 'file-over-core-pattern',
    story: 'A file of the victim’s, shared at /foo, covers /proc/sys/kernel/core_pattern.',
    image: leadsTo('/proc/sys/kernel/core_pattern'),
    flags: (stage) => ['-v', `${stage.secret().path}:/foo`],
  },
  {
    name: 'file-over-version',
    story: 'A file of the victim’s, shared at /foo, takes the place of /proc/version.',
    image: leadsTo('/proc/version'),
    flags: (stage) => ['-v', `${stage.secret().path}:/foo`],
  },
  {
    name: 'file-over-mountinfo',
    story: 'A file of the victim’s, shared at /foo, covers /proc/self/mountinfo, which lists the mounts.',
    image: leadsTo('/proc/self/mountinfo'),
    flags: (stage) => ['-v', `${stage.secret().path}:/foo`],
  },
];

const mountCase = ({ name, story, short, image = LEADS_TO_SELF, flags }: Mount): AttackCase => ({
  name: `mount-${name}`,
  story,
  cves: ['CVE-2019-16884', 'CVE-2021-30465', 'CVE-2025-52881'],
  ...(short === true ? { short } : {}),
  ways: WAYS,
  attack: async (stage, way) => {
    const asked = await flags(stage);
    return await probeContainer(stage, way, await stage.image(image), asked);
  },
});

/** Where a volume of the image must not lie, though PID 1 may never look there: the program trusts the kernel's word. */
const COVERED: readonly (readonly [name: string, target: string])[] = [
  ['task', '/proc/self/task/1'],
  ['thread-self', '/proc/thread-self'],
  ['attr', '/proc/self/attr'],
  ['ns', '/proc/self/ns'],
  ['fdinfo', '/proc/self/fdinfo'],
  ['net', '/proc/self/net'],
  ['sysctls', '/proc/sys'],
  ['kernel-sysctls', '/proc/sys/kernel'],
  ['tty', '/proc/tty'],
  ['irq', '/proc/irq'],
  ['sys-kernel', '/sys/kernel'],
  ['sys-class', '/sys/class/net'],
  ['sys-module', '/sys/module'],
  ['sys-power', '/sys/devices/virtual'],
];

const coveredCase = ([name, target]: (typeof COVERED)[number]): AttackCase => ({
  name: `volume-covers-${name}`,
  story: `VOLUME /foo, where /foo leads to ${target}, puts the attacker’s files in the kernel’s place.`,
  cves: ['CVE-2019-16884'],
  ways: ['run', 'exec', 'script'],
  attack: async (stage, way) => {
    const image = await stage.image({
      files: { ...link('/foo', target), [`${target}/planted`]: 'planted', ...fakeSysctls('/proc') },
      config: volumes('/foo'),
    });
    return await probeContainer(stage, way, image, []);
  },
});

const SHIELDS: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['cap-drop-all', ['--cap-drop', 'ALL']],
  ['read-only', ['--read-only']],
  ['no-new-privileges', ['--security-opt', 'no-new-privileges']],
  ['network-none', ['--network', 'none']],
  ['network-host', ['--network', 'host']],
  ['limits', ['--ulimit', 'nofile=64:64', '--shm-size', '1m']],
];

const shieldCase = ([name, flags]: (typeof SHIELDS)[number]): AttackCase => ({
  name: `volume-with-${name}`,
  story: `VOLUME over /proc/self, in a container that a careful user runs with ${flags.join(' ')}.`,
  ways: ['run', 'exec', 'script'],
  attack: async (stage, way) => await probeContainer(stage, way, await stage.image(ESCAPE), flags),
});

export const mountCases: readonly AttackCase[] = [
  ...MOUNTS.map(mountCase),
  ...COVERED.map(coveredCase),
  ...SHIELDS.map(shieldCase),
];
