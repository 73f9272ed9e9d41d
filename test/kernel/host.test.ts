/** The throw-away host itself: is it separate from the machine, and does it go without a trace? */
import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { cgroupMounts, hostCgroupName } from '../support/host/host-cleanup.ts';
import { createHost, INTERNET_ADDRESS } from '../support/host/host.ts';

const machineLinks = (): string => readFileSync('/proc/net/dev', 'utf8').replace(/:.*/g, '');
const machineMounts = (): string => readFileSync('/proc/self/mounts', 'utf8');

test('hosts are separate from the machine and from one another, and go without a trace', async () => {
  const before = { links: machineLinks(), mounts: machineMounts() };
  const [one, two] = await Promise.all([createHost(), createHost()]);
  try {
    expect((await one.run(['ip', 'netns', 'add', 'md-only-one'])).exitCode).toBe(0);
    const [first, second] = [await one.snapshot(), await two.snapshot()];
    expect(first.netns).toEqual(['md-only-one']);
    expect(second.netns).toEqual([]);
    expect(first.links).toHaveLength(2);
    expect((await one.run(['ls', '/sys/class/net'])).stdout.split('\n')).toContain('eth0');
    expect((await one.run(['cat', '/proc/sys/net/ipv4/ip_forward'])).stdout).toBe('0\n');

    // A web server outside, reached from the host over the uplink.
    const server = one.spawn(
      ['busybox', 'httpd', '-f', '-p', `${INTERNET_ADDRESS}:80`, '-h', one.dir],
      'outside',
    );
    await one.waitFor(
      async () =>
        (await one.run(['curl', '-s', '-o', '/dev/null', `http://${INTERNET_ADDRESS}/`])).exitCode === 0,
      'the page from outside',
    );
    expect((await two.run(['curl', '-s', '-m', '1', `http://${INTERNET_ADDRESS}/`])).exitCode).not.toBe(0);
    expect(existsSync(`/proc/${server.pid}`)).toBe(true);
    expect((await one.snapshot()).processes.join('\n')).toContain('busybox httpd');
  } finally {
    await Promise.all([one.dispose(), two.dispose()]);
  }
  expect({ links: machineLinks(), mounts: machineMounts() }).toEqual(before);
  for (const { dir } of [one, two]) {
    expect(existsSync(dir)).toBe(false);
    for (const mount of cgroupMounts()) expect(existsSync(join(mount, hostCgroupName(dir)))).toBe(false);
  }
});

test('each host sees its own part of every cgroup hierarchy', async () => {
  const host = await createHost();
  try {
    const points = machineMounts()
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, , type]) => type?.startsWith('cgroup'))
      .map(([, point]) => point ?? '');
    expect(points.length).toBeGreaterThan(0);
    for (const point of points) {
      const made = await host.run(['mkdir', '-p', join(point, 'minidock/abc')]);
      expect(made.stderr).toBe('');
      expect(existsSync(join(point, 'minidock/abc'))).toBe(false);
    }
    expect((await host.snapshot()).cgroups).toEqual(
      points.map((point) => join(point, 'minidock/abc')).sort(),
    );
  } finally {
    await host.dispose();
  }
});

test('what is frozen in a host is thawed and ends with it', async () => {
  const host = await createHost();
  const sleeper = host.spawn(['sleep', '1000']);
  try {
    await host.waitFor(
      async () => (await host.run(['grep', '-q', 'sleep', `/proc/${sleeper.pid}/comm`])).exitCode === 0,
      'a process to freeze',
    );
    const freeze = `
      if [ -d /sys/fs/cgroup/freezer ]; then group=/sys/fs/cgroup/freezer/minidock/cold; else group=/sys/fs/cgroup/minidock/cold; fi
      mkdir -p $group && echo ${sleeper.pid} >$group/cgroup.procs
      if [ -e $group/freezer.state ]; then echo FROZEN >$group/freezer.state; else echo 1 >$group/cgroup.freeze; fi`;
    expect(await host.run(['bash', '-ec', freeze])).toMatchObject({ exitCode: 0, stderr: '' });
  } finally {
    await host.dispose();
  }
  expect(existsSync(`/proc/${sleeper.pid}`)).toBe(false);
});
