import { describe, expect, test } from '@jest/globals';
import type { OciConfig } from '../../../../runtime/bundle.ts';
import { containerSteps, waitsForGo } from '../../../../runtime/process/container-steps.ts';
import { enterArgv, unshareArgv } from '../../../../runtime/process/namespace-command.ts';
import { bundleConfig, type BundleChanges } from '../../../support/bundle.ts';

const config = (changes: BundleChanges = {}, more: Partial<OciConfig> = {}): OciConfig => ({
  ...bundleConfig('/b', ['web', '-x'], changes),
  ...more,
});
const ids = (value: OciConfig): readonly string[] =>
  containerSteps(value, { cgroupProcs: ['/sys/fs/cgroup/x/cgroup.procs'] }).map(({ id }) => id);

describe('the steps of PID 1', () => {
  test('come in the order the kernel needs', () => {
    const order = ids(config({ readonly: true, process: { terminal: true, oomScoreAdj: 5 } }));
    const milestones = [
      'process.join-cgroup',
      'process.unshare-cgroup',
      'process.set-oom-score',
      'rootfs.make-private',
      'rootfs.mount-overlay',
      'rootfs.mount:/proc',
      'rootfs.mount:/dev',
      'rootfs.mount:/dev/pts',
      'rootfs.device:/dev/null',
      'rootfs.link:/dev/ptmx',
      'rootfs.readonly:/proc/sys',
      'rootfs.mask:/proc/kcore',
      'rootfs.pivot',
      'rootfs.seal-host',
      'rootfs.unmount-host',
      'isolation.set-hostname',
      'process.find-user',
      'process.make-cwd',
      'process.open-terminal',
      'process.new-session',
      'rootfs.make-readonly',
      'isolation.verify',
      'process.load-seccomp',
      'process.set-identity',
      'process.exec',
    ];
    expect(order.filter((id) => milestones.includes(id))).toEqual(milestones);
  });

  test('have ids of their own, words to learn from, and end with the process', () => {
    const steps = containerSteps(config(), { cgroupProcs: [] });
    expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
    for (const step of steps) {
      expect(step.title).toMatch(/^[A-Z].*[^.]$/);
      expect(step.why).toMatch(/[.)]$/);
      expect(step.without).toMatch(/^\w.*\.$/);
      expect(step.undo).toEqual({ kind: 'freedBy', step: 'process.start' });
    }
  });

  test('sysctls are written before /proc/sys turns read-only', () => {
    const order = ids(config({ sysctl: { 'net.core.somaxconn': '9' } }));
    expect(order.indexOf('isolation.sysctl:net.core.somaxconn')).toBeLessThan(
      order.indexOf('rootfs.readonly:/proc/sys'),
    );
  });

  test('the filter comes after the capabilities have gone only where no_new_privs allows it', () => {
    const tail = (noNewPrivileges: boolean) => ids(config({ process: { noNewPrivileges } })).slice(-3);
    expect(tail(false)).toEqual(['process.load-seccomp', 'process.set-identity', 'process.exec']);
    expect(tail(true)).toEqual(['process.set-identity', 'process.load-seccomp', 'process.exec']);
  });

  test('only the last ones wait for the network', () => {
    const steps = containerSteps(config(), { cgroupProcs: [] });
    const waiting = steps.filter(waitsForGo).map(({ id }) => id);
    expect(steps.slice(-waiting.length).map(({ id }) => id)).toEqual(waiting);
  });

  test('an image without layers gets its empty directory, a volume that listens gets slave mounts', () => {
    const steps = containerSteps(
      config({
        lower: [],
        mounts: [{ destination: '/v', type: 'bind', source: '/s', options: ['rbind', 'rslave'] }],
      }),
      { cgroupProcs: [] },
    );
    const command = (id: string) => steps.find((step) => step.id === id)?.command;
    expect(command('rootfs.make-private')).toMatchObject({ target: '/', options: ['rslave'] });
    expect(command('rootfs.mount-overlay')).toMatchObject({
      source: '/b/upper',
      options: ['bind', 'private'],
    });
  });

  test('nothing is made in a /dev of the host’s', () => {
    const mounts = [{ destination: '/dev', type: 'bind', source: '/dev', options: ['rbind'] }];
    expect(ids(config({ mounts })).filter((id) => /^rootfs\.(device|link)/.test(id))).toEqual([]);
  });

  test('v1 controllers that are mounted together get a link each', () => {
    const order = ids(
      config({
        mounts: [
          {
            destination: '/sys/fs/cgroup/cpu,cpuacct',
            type: 'cgroup',
            source: 'cgroup',
            options: ['cpu,cpuacct'],
          },
        ],
      }),
    );
    expect(order).toContain('rootfs.link:/sys/fs/cgroup/cpu');
    expect(order).toContain('rootfs.link:/sys/fs/cgroup/cpuacct');
  });

  test.each([
    ['/proc/sys', 'bind'],
    ['/proc', 'bind'],
    ['/', 'bind'],
    ['relative', 'bind'],
  ])('nothing may be mounted on %s', (destination, type) => {
    expect(() =>
      containerSteps(config({ mounts: [{ destination, type, source: '/s', options: ['bind'] }] }), {
        cgroupProcs: [],
      }),
    ).toThrow(expect.objectContaining({ code: 'BAD_MOUNT' }));
  });
});

describe('the command lines', () => {
  const command = { initBinary: '/usr/bin/minidock', bundleDir: '/b', socketPath: '/s' };

  test('a new namespace for each that has no path, whatever the others will be', () => {
    const namespaces = [
      { type: 'mount' },
      { type: 'pid' },
      { type: 'cgroup' },
      { type: 'network', path: '/run/netns/n' },
    ] as const;
    expect(unshareArgv(namespaces, command).join(' ')).toBe(
      'unshare --mount --pid --propagation unchanged --fork -- /usr/bin/minidock __init /b /s',
    );
  });

  test('exec starts minidock itself, which enters them', () => {
    expect(enterArgv({ initBinary: '/m', requestPath: '/r', socketPath: '/s' })).toEqual([
      '/m',
      '__enter',
      '/r',
      '/s',
    ]);
  });
});
