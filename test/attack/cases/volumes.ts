/** VOLUMEs of an image whose targets lead into /proc, where the attacker's files then stand for what PID 1 asks for. */
import { WAYS, type AttackCase } from '../case.ts';
import { probeContainer } from '../probe.ts';
import { descriptorLinks, FAKE_ONE, FAKE_SELF, fakeSysctls, link, volumes, type Files } from './shared.ts';

/** What the probe calls. */
const APPLETS = ['sh', 'cat', 'stat', 'head', 'od', 'ls', 'sleep'];

interface Target {
  readonly name: string;
  readonly story: string;
  readonly files: Files;
  readonly volumes: readonly string[];
}

const TARGETS: readonly Target[] = [
  {
    name: 'proc-self',
    story: '/foo leads to /proc/self',
    files: { ...link('/foo', '/proc/self'), ...FAKE_SELF },
    volumes: ['/foo'],
  },
  {
    name: 'proc-1',
    story: '/foo leads to /proc/1, which is no link that could be refused',
    files: { ...link('/foo', '/proc/1'), ...FAKE_ONE },
    volumes: ['/foo'],
  },
  {
    name: 'relative-link',
    story: 'a relative link leads to /proc/self',
    files: { ...link('/foo', 'proc/self'), ...FAKE_SELF },
    volumes: ['/foo'],
  },
  {
    name: 'link-upwards',
    story: 'a link in a deep directory goes up and into /proc/self',
    files: { ...link('/srv/data/foo', '../../proc/self'), ...FAKE_SELF },
    volumes: ['/srv/data/foo'],
  },
  {
    name: 'above-the-root',
    story: 'a link goes up further than there are directories, and into /proc/self',
    files: { ...link('/foo', '../../../../../../proc/self'), ...FAKE_SELF },
    volumes: ['/foo'],
  },
  {
    name: 'chain-of-links',
    story: 'three links, one after the other, end at /proc/self',
    files: {
      ...link('/foo', '/bar'),
      ...link('/bar', 'srv/baz'),
      ...link('/srv/baz', '../proc/self'),
      ...FAKE_SELF,
    },
    volumes: ['/foo'],
  },
  {
    name: 'parent-of-a-task',
    story: 'the link ends with .., so its last name is none of a process',
    files: { ...link('/foo', '/proc/self/task/1/../..'), '/proc/self/task/1': { dir: 0o755 }, ...FAKE_SELF },
    volumes: ['/foo'],
  },
  {
    name: 'parent-of-thread-self',
    story: 'the link goes by /proc/thread-self and up again',
    files: {
      ...link('/foo', '/proc/thread-self/../..'),
      ...link('/proc/thread-self', 'self/task/1'),
      '/proc/self/task/1': { dir: 0o755 },
      ...FAKE_SELF,
    },
    volumes: ['/foo'],
  },
  {
    name: 'magic-link-to-the-root',
    story: 'the link goes by /proc/self/root, which the kernel resolves by itself',
    files: { ...link('/foo', '/proc/self/root/proc/1'), ...link('/proc/self/root', '/'), ...FAKE_ONE },
    volumes: ['/foo'],
  },
  {
    name: 'fd-directory',
    story: '/foo leads to /proc/self/fd alone',
    files: { ...link('/foo', '/proc/self/fd'), ...FAKE_SELF },
    volumes: ['/foo'],
  },
  {
    name: 'below-a-link-to-proc',
    story: '/foo leads to /proc, and the volume is /foo/self',
    files: { ...link('/foo', '/proc'), ...FAKE_SELF },
    volumes: ['/foo/self'],
  },
  {
    name: 'fd-below-a-link-to-proc',
    story: '/foo leads to /proc, and the volume is /foo/1/fd',
    files: { ...link('/foo', '/proc'), ...FAKE_ONE },
    volumes: ['/foo/1/fd'],
  },
  {
    name: 'in-another-volume',
    story: 'a volume holds the link that the next volume is mounted through',
    files: { ...link('/outer/inner', '/proc/self'), ...FAKE_SELF },
    volumes: ['/outer', '/outer/inner'],
  },
  {
    name: 'spelt-with-a-dot',
    story: 'VOLUME /./proc/self does not begin with /proc/',
    files: FAKE_SELF,
    volumes: ['/./proc/self'],
  },
  {
    name: 'spelt-with-dots',
    story: 'VOLUME /srv/../proc/self does not begin with /proc/',
    files: { '/srv/x': '', ...FAKE_SELF },
    volumes: ['/srv/../proc/self'],
  },
  {
    name: 'spelt-with-two-slashes',
    story: 'VOLUME //proc//self does not begin with /proc/',
    files: FAKE_SELF,
    volumes: ['//proc//self'],
  },
  {
    name: 'over-the-root',
    story: 'VOLUME /. covers the root with a copy of the image, /proc and all',
    files: { '/zoo/bar/x': '', ...descriptorLinks('/proc/self/fd', '/zoo/bar'), ...fakeSysctls('/proc') },
    volumes: ['/.', '/zoo/bar'],
  },
  {
    name: 'over-the-root-by-cwd',
    story: 'the link goes to /proc/self/cwd, which is the root, and covers it with a tree of the attacker’s',
    files: {
      ...link('/foo', '/proc/self/cwd'),
      ...link('/proc/self/cwd', '/tree'),
      ...descriptorLinks('/tree/proc/self/fd', '/zoo/bar'),
      ...fakeSysctls('/tree/proc'),
      '/tree/bin/busybox': { program: 'busybox' },
      ...Object.fromEntries(APPLETS.map((name) => [`/tree/bin/${name}`, { link: 'busybox' }])),
      '/zoo/bar/x': '',
    },
    volumes: ['/foo', '/zoo/bar'],
  },
  {
    name: 'dev-for-proc',
    story: '/dev leads to /proc, so that minidock’s own tmpfs covers it, with a volume below',
    files: { ...link('/dev', '/proc'), ...FAKE_SELF, ...fakeSysctls('/proc') },
    volumes: ['/dev/self', '/dev/sys'],
  },
  {
    name: 'dev-for-proc-self',
    story: '/dev leads to /proc/self, so that minidock’s own tmpfs covers it, with a volume below',
    files: { ...link('/dev', '/proc/self'), ...FAKE_SELF },
    volumes: ['/dev/fd'],
  },
];

const targetCase = (target: Target, index: number): AttackCase => ({
  name: `volume-${target.name}`,
  story: `VOLUME covers what PID 1 finds of itself in /proc: ${target.story}.`,
  cves: ['CVE-2019-16884', 'CVE-2019-19921', 'CVE-2025-52881'],
  short: index % 4 === 0,
  ways: WAYS,
  attack: async (stage, way) => {
    const image = await stage.image({ files: target.files, config: volumes(...target.volumes) });
    return await probeContainer(stage, way, image, []);
  },
});

export const volumeCases: readonly AttackCase[] = TARGETS.map(targetCase);
