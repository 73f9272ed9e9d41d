import { describe, expect, test } from '@jest/globals';
import { cgroupDirectories, cgroupLayout, type HostFiles } from '../../../../runtime/cgroup/detect.ts';

const host = (mountinfo: readonly string[], files: Record<string, string> = {}): HostFiles => ({
  read: (path) => ({ '/proc/self/mountinfo': mountinfo.join('\n'), ...files })[path],
});
const mount = (path: string, type: string, options: string): string =>
  `32 31 0:29 / ${path} rw,relatime shared:9 - ${type} cgroup ${options}`;

describe('version 2', () => {
  const unified = mount('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate');

  test('the root may enable all it offers, also with processes in it', () => {
    const files = {
      '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
      '/sys/fs/cgroup/cgroup.subtree_control': 'memory pids\n',
      '/sys/fs/cgroup/cgroup.procs': '1\n2\n',
      '/proc/swaps': 'Filename\n',
    };
    expect(cgroupLayout(host([unified], files))).toEqual({
      version: 2,
      mount: '/sys/fs/cgroup',
      controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
      swap: true,
    });
  });

  test('below another root, processes in it leave only what is enabled already', () => {
    const files = {
      '/sys/fs/cgroup/cgroup.type': 'domain\n',
      '/sys/fs/cgroup/cgroup.controllers': 'cpu memory pids\n',
      '/sys/fs/cgroup/cgroup.subtree_control': '\n',
      '/sys/fs/cgroup/cgroup.procs': '1\n',
    };
    expect(cgroupLayout(host([unified], files))).toMatchObject({ controllers: [], swap: false });
    const empty = { ...files, '/sys/fs/cgroup/cgroup.procs': '' };
    expect(cgroupLayout(host([unified], empty))).toMatchObject({ controllers: ['cpu', 'memory', 'pids'] });
  });
});

describe('version 1', () => {
  const mounts = [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
    mount('/sys/fs/cgroup/cpuset', 'cgroup', 'rw,cpuset,clone_children'),
    mount('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
    mount('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,release_agent=/lib/agent,name=systemd'),
    mount('/sys/fs/cgroup/unified', 'cgroup2', 'rw'),
    mount('/mnt/another\\040view', 'cgroup', 'rw,memory'),
  ];
  const files = {
    '/sys/fs/cgroup/cpuset/cpuset.cpus': '0-3\n',
    '/sys/fs/cgroup/cpuset/cpuset.mems': '0\n',
    '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes': '9223372036854771712\n',
  };

  test('hybrid counts as version 1, controllers may share a mount, the first mount counts', () => {
    const layout = cgroupLayout(host(mounts, files));
    expect(layout).toEqual({
      version: 1,
      controllers: {
        cpu: '/sys/fs/cgroup/cpu,cpuacct',
        cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
        cpuset: '/sys/fs/cgroup/cpuset',
        memory: '/sys/fs/cgroup/memory',
        'name=systemd': '/sys/fs/cgroup/systemd',
      },
      swap: true,
      cpuset: { cpus: '0-3', mems: '0' },
    });
    expect(cgroupDirectories('/minidock/x', layout)).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct/minidock/x',
      '/sys/fs/cgroup/cpuset/minidock/x',
      '/sys/fs/cgroup/memory/minidock/x',
      '/sys/fs/cgroup/systemd/minidock/x',
    ]);
  });

  test('without swap accounting', () => {
    expect(cgroupLayout(host(mounts))).toMatchObject({ swap: false });
  });

  test('spaces in a mount path', () => {
    expect(cgroupLayout(host([mounts[6] ?? '']))).toMatchObject({
      controllers: { memory: '/mnt/another view' },
    });
  });

  test('only a named tree beside version 2 is version 2', () => {
    expect(cgroupLayout(host([mounts[4] ?? '', mounts[5] ?? '']))).toMatchObject({ version: 2 });
  });
});

test('no control groups at all', () => {
  expect(() => cgroupLayout(host([]))).toThrow('no control groups are mounted');
});
