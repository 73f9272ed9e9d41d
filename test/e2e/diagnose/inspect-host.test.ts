/** `inspect --host`: each thing it tells, held against the kernel's own files and tools. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { HostView } from '../../../src/diagnose/inspect-host/host-view.ts';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ iptables: true });

const view = async (name: string): Promise<HostView> => {
  const [one] = JSON.parse(await engine.ok('inspect', '--host', name)) as readonly HostView[];
  if (one === undefined) throw new Error('an empty answer');
  return one;
};
const start = (name: string, ...flags: readonly string[]): Promise<string> =>
  engine.ok('run', '-d', '--name', name, ...flags, 'test', 'sh', '-c', 'echo made >/made; sleep 1000; true');
const sh = async (...argv: readonly string[]): Promise<string> =>
  (await succeed(engine.host.run(argv))).stdout;

test('the cable: names and indexes of both ends, and the bridge, as ip has them', async () => {
  const id = await start('web');
  const [cable] = (await view('web')).Cables;
  const name = cable?.HostName ?? '';
  const own = JSON.parse(await sh('ip', '-j', 'address', 'show', name)) as readonly Record<string, unknown>[];
  const netns = `md-${id.slice(0, 12)}`;
  const inside = await sh('ip', '-n', netns, '-j', 'address', 'show', 'eth0');
  const [eth0] = JSON.parse(inside) as readonly Record<string, unknown>[];
  expect(own[0]).toMatchObject({ ifindex: cable?.HostIndex, address: cable?.HostMac, master: cable?.Bridge });
  expect(own[0]).toMatchObject({ link_index: cable?.ContainerIndex });
  expect(eth0).toMatchObject({ ifindex: cable?.ContainerIndex, link_index: cable?.HostIndex });
  const bridge = await sh('ip', '-j', 'link', 'show', cable?.Bridge ?? '');
  expect(JSON.parse(bridge)).toMatchObject([{ ifindex: cable?.BridgeIndex }]);
});

test('namespaces: the inodes of its process, and the way in it tells leads there', async () => {
  await start('web');
  const pid = await engine.ok('inspect', '-f', '{{.State.Pid}}', 'web');
  const { Namespaces } = await view('web');
  expect(Namespaces.map(({ Type }) => Type)).toEqual(
    expect.arrayContaining(['net', 'mnt', 'pid', 'uts', 'ipc']),
  );
  for (const { Type, Inode, Enter, Shared } of Namespaces) {
    expect(readlinkSync(`/proc/${pid}/ns/${Type}`)).toContain(`[${Inode}]`);
    if (Type === 'mnt' || Type === 'pid' || Shared) continue;
    expect(await sh(...Enter.split(' '), 'readlink', `/proc/self/ns/${Type}`)).toContain(`[${Inode}]`);
  }
});

test('the overlay: what the container wrote is in the upper directory, and seen from the host', async () => {
  await start('web');
  const { Overlay } = await view('web');
  await engine.host.waitFor(() => existsSync(`${Overlay.UpperDir}/made`) || undefined, 'the file it makes');
  expect(readFileSync(`${Overlay.SeenFromHost}/made`, 'utf8')).toBe('made\n');
  expect(existsSync(Overlay.WorkDir)).toBe(true);
  expect(existsSync(`${Overlay.LowerDirs[0] ?? ''}/bin/busybox`)).toBe(true);
});

test('control groups: directories that list its process', async () => {
  await start('web');
  const pid = await engine.ok('inspect', '-f', '{{.State.Pid}}', 'web');
  const own = (await view('web')).Cgroups.filter(({ Path }) => Path.includes('/minidock/'));
  expect(own).not.toEqual([]);
  for (const { Directory } of own) {
    const procs = await sh('cat', `${Directory}/cgroup.procs`);
    expect([Directory, procs.split('\n')]).toEqual([Directory, expect.arrayContaining([pid])]);
  }
});

test('rules: with nftables and with iptables, as they stand', async () => {
  await start('new', '-p', '8080:80');
  await start('old', '--firewall', 'iptables', '-p', '8081:81');
  const rules = async (name: string): Promise<readonly string[]> =>
    (await view(name)).Rules.map(({ Tool, Where, Rule }) => `${Tool} ${Where}: ${Rule}`);
  const [address] = ((await view('new')).Cables[0]?.Addresses[0] ?? '').split('/');
  expect(await rules('new')).toEqual([`nft ip minidock published: tcp . 8080 : ${address ?? ''} . 80`]);
  const [rule, ...more] = await rules('old');
  expect(more).toEqual([]);
  const [where, words] = (rule ?? '').split(': ');
  expect(where).toBe('iptables nat MINIDOCK');
  expect(await sh('iptables', '-t', 'nat', '-S', 'MINIDOCK')).toContain(`-A MINIDOCK ${words ?? ''}`);
});

test('processes: the shim, PID 1 and its child, numbered from both sides; the journal in order', async () => {
  await start('web');
  await engine.host.waitFor(
    async () => (await view('web')).Processes.some(({ Command }) => Command === 'sleep 1000') || undefined,
    'the program and its child',
  );
  const { Processes, Journal } = await view('web');
  const [shim, parent, first, child] = Processes;
  expect(Processes.map(({ Role }) => Role)).toEqual(['shim', 'parent of PID 1', 'PID 1', 'process']);
  expect([shim?.InnerPid, first?.InnerPid]).toEqual([0, 1]);
  expect([parent?.Parent, first?.Parent, child?.Parent]).toEqual([shim?.Pid, parent?.Pid, first?.Pid]);
  expect(await engine.ok('exec', 'web', 'cat', `/proc/${child?.InnerPid ?? 0}/cmdline`)).toBe(
    'sleep\x001000\x00',
  );
  expect(Journal[0]?.Undo).toMatch(/^ip netns delete md-[0-9a-f]{12}$/);
});

test('templates, tables, containers that do not run, and those that are not there', async () => {
  await start('web');
  await engine.minidock('run', '--name', 'ended', 'test', 'true');
  const template = '{{range .Cables}}{{.HostName}}@{{.HostIndex}}{{end}}';
  const [cable] = (await view('web')).Cables;
  expect(await engine.ok('inspect', '--host', '-f', template, 'web')).toBe(
    `${cable?.HostName ?? ''}@${cable?.HostIndex ?? 0}`,
  );
  const table = await engine.ok('inspect', '--host', '-f', 'table', 'web');
  expect(table).toContain(`${cable?.HostName ?? ''} #${cable?.HostIndex ?? 0}`);
  const ended = await view('ended');
  expect([ended.Running, ended.Cables, ended.Processes]).toEqual([false, [], []]);
  expect(existsSync(ended.Overlay.UpperDir)).toBe(true);
  const missing = await engine.minidock('inspect', '--host', 'nobody');
  expect([missing.exitCode, missing.stderr]).toEqual([1, 'minidock: No such container: nobody\n']);
});

test('a cable cut by hand is reported', async () => {
  await start('web');
  const name = (await view('web')).Cables[0]?.HostName ?? '';
  await sh('ip', 'link', 'delete', name);
  const { Cables, Disagreements } = await view('web');
  expect(Cables).toEqual([]);
  expect(Disagreements).toContain(`the host's end of its cable, ${name}, is gone`);
});
