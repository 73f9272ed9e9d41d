/**
 * The lab: every lesson plays itself, a check passes for any right way and for no wrong one, and whatever is typed in
 * there, the machine stays as it was.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { breakName, brokenNetwork } from '../../../src/teach/lab/break/break-it.ts';
import { chosenLessons } from '../../support/lesson-ways/chosen.ts';
import type { RunResult } from '../../support/host/processes.ts';

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
});
afterAll(async () => {
  await host.dispose();
});

const minidock = join(import.meta.dirname, '../../../dist/minidock');
const lab = (...words: readonly string[]): Promise<RunResult> =>
  host.run([minidock, 'lab', ...words], { timeout: 240_000 });
const type = (name: string, line: string): Promise<RunResult> => lab('enter', name, '--', 'bash', '-c', line);

afterEach(async () => {
  const { stdout } = await lab('list');
  for (const [, name] of stdout.matchAll(/^(\S+) .*\(running\)$/gm)) await lab('end', name ?? '');
});

/** One for each fault of `lab break`. */
const seeds = new Map<string, number>();
for (let seed = 0; seed < 300; seed++) {
  const why = brokenNetwork(seed).steps[0].solution[0].why.replace(/[\d.]+/g, '');
  if (!seeds.has(why)) seeds.set(why, seed);
}
let brokenPlayed: RunResult | undefined;

/** All at once, beside the lessons: they wait most of the time. */
async function playBroken(): Promise<void> {
  const script = 'm=$1; shift; for l; do "$m" lab run $l --auto --no-pictures & done; wait';
  const names = [...seeds.values()].map(breakName);
  brokenPlayed = await host.run(['sh', '-c', script, 'sh', minidock, ...names], { timeout: 600_000 });
}

describe('a lesson that plays itself fulfils each step by its solution, and none before', () => {
  /** Few at a time: each waits for answers that do not come, so side by side they take a fraction of the time. */
  const queue = [...chosenLessons];
  const played = new Map<string, RunResult>();
  beforeAll(async () => {
    const worker = async (): Promise<void> => {
      for (let lesson = queue.shift(); lesson !== undefined; lesson = queue.shift()) {
        played.set(lesson.name, await lab('run', lesson.name, '--auto', '--no-pictures'));
      }
    };
    await Promise.all([playBroken(), worker(), worker(), worker(), worker()]);
  }, 900_000);

  test.each(chosenLessons.map(({ name }) => name))('%s', (name) => {
    const result = played.get(name);
    expect(`${String(result?.exitCode)}\n${result?.stderr ?? ''}`).toBe('0\n');
    expect(result?.stdout).toMatch(/^(All \d+ steps|The one step) of/m);
  });

  test('a network of lab break: broken by each fault, and whole after its repair', () => {
    const stdout = brokenPlayed?.stdout ?? '';
    const names = [...seeds.values()].map(breakName);
    const done = [...stdout.matchAll(/^The one step of (\S+) is done/gm)].map(([, name]) => name);
    expect(done.sort()).toEqual(names.sort());
  });
});

describe('a network to break', () => {
  test('is no puzzle for who opens the firewall, and gives points for the repair', async () => {
    const seed = seeds.get('A drop stood before the accept') ?? 0;
    const name = breakName(seed);
    expect((await lab('break', '--seed', String(seed))).stdout).toContain('Find it and repair it');
    expect((await lab('hint')).stdout).toContain('Hint 1');
    await type(name, 'iptables-save >/tmp/saved; iptables -P FORWARD ACCEPT; iptables -F FORWARD');
    const open = await lab('check');
    expect([open.exitCode, open.stdout]).toEqual([
      1,
      expect.stringContaining('[ ] client reaches nothing else'),
    ]);
    await type(name, 'iptables-restore </tmp/saved; iptables -D FORWARD 1');
    const { exitCode, stdout } = await lab('check');
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`--seed ${String(seed)} `)]);
    expect(stdout).toMatch(/Score: (90|8\d|7\d) of 100 \(.* s, 1 hint\)/);
  }, 120_000);
});

describe('a check', () => {
  test('names what is missing, is not taken in by a wrong way, and takes another right one', async () => {
    expect((await lab('start', 'cable')).exitCode).toBe(0);
    // A bridge and a dummy of the right names are no cable.
    await type('cable', 'ip link add veth-red type dummy; ip link add veth-blue type bridge');
    const wrong = await lab('check');
    expect([wrong.exitCode, wrong.stdout]).toEqual([1, expect.stringContaining('[ ] there are two links')]);
    // Made the other way round, and by another word than the solution's.
    await type(
      'cable',
      'ip link del veth-red; ip link del veth-blue; ip link add dev veth-blue type veth peer name veth-red',
    );
    const right = await lab('check');
    expect([right.exitCode, right.stdout]).toEqual([0, expect.stringContaining('Step 2 of 7')]);
  }, 60_000);

  test('of a wrong address says which one there is', async () => {
    await lab('start', 'docker-by-hand');
    await type('docker-by-hand', 'ip netns add web; ip link add dock0 up type bridge');
    await lab('check');
    await type('docker-by-hand', 'ip addr add 172.30.0.1 dev dock0');
    const wrong = await lab('check');
    expect([wrong.exitCode, wrong.stdout]).toEqual([
      1,
      expect.stringContaining('[ ] dock0 has 172.30.0.1/16; found: 172.30.0.1/32'),
    ]);
  });

  test('takes one past all steps that are reached already, and no further', async () => {
    await lab('start', 'cable', '--again');
    await type(
      'cable',
      'ip netns add red; ip netns add blue; ip link add veth-red netns red type veth peer name veth-blue netns blue',
    );
    // The first wants both ends on the host.
    expect((await lab('check')).exitCode).toBe(1);
    await type('cable', 'ip -n red link set veth-red netns 1; ip -n blue link set veth-blue netns 1');
    const onTheHost = await lab('check');
    expect(onTheHost.stdout).toMatch(/Step 1 of 7.*Step 2 of 7.*\[x\] the namespace red.*Step 3 of 7/s);
    await type(
      'cable',
      'for name in red blue; do ip link set veth-$name netns $name; ip -n $name link set veth-$name up; done',
    );
    // What is up is not yet asked for: the addresses come first.
    expect((await lab('check')).stdout).toMatch(/Step 3 of 7.*Step 4 of 7/s);
    expect((await lab('status')).stdout).toContain('Step 4 of 7');
  }, 60_000);

  test('of the way out takes nftables for iptables', async () => {
    await lab('start', 'masquerade');
    await lab('next');
    await lab('next');
    await type(
      'masquerade',
      "nft 'add table ip mine; add chain ip mine out { type nat hook postrouting priority 100; }; add rule ip mine out ip saddr 192.168.15.0/24 masquerade'",
    );
    expect((await lab('check')).stdout).toContain('All 3 steps of masquerade are done');
  }, 60_000);

  test('gives one more hint each time, and the solution when asked', async () => {
    await lab('start', 'bridge');
    expect((await lab('hint')).stdout).not.toContain('Hint 2');
    expect((await lab('hint')).stdout).toContain('Hint 2');
    expect((await lab('show')).stdout).toContain('ip link add veth-red type veth peer name veth-red-br');
  }, 60_000);
});

test('minidock’s own lesson stops at the steps of the network and shows the state around each, then runs on', async () => {
  const { stdout } = await lab('run', 'docker-by-minidock', '--auto', '--no-pictures');
  expect(stdout).toMatch(
    /Create the bridge minidock0\n.*Before: \$ ip link show.*does not exist.*After: +\$ ip link show.*<BROADCAST/s,
  );
  expect(stdout).toMatch(/Publish 8080.*Before:.*After:.*^ *\| +\d+\/\d+ .*Become .*: cd/ms);
}, 60_000);

test.each([
  ['puzzle-wrong-neighbour', 'netns:client -> 192.168.15.3:80', 'typed by somebody'],
  ['puzzle-two-bridges', '192.168.15.2:80', 'and netns:web is at br0'],
  [
    'puzzle-bridge-without-address',
    'netns:client -> 198.51.100.7:80',
    'neither the host nor a neighbour has that address',
  ],
])(
  'in a lab, why goes from namespace to namespace: %s',
  async (name, question, cause) => {
    await lab('start', name);
    const before = await lab('enter', name, '--', 'minidock', 'why', question);
    expect([before.exitCode, before.stdout.replace(/\s+/g, ' ')]).toEqual([
      1,
      expect.stringContaining(cause),
    ]);
    await lab('next', name);
    expect((await lab('enter', name, '--', 'minidock', 'why', question)).stdout).toContain('it works: ');
  },
  60_000,
);

describe('without ping on the machine', () => {
  const hide = (...programs: readonly string[]): string =>
    programs.map((program) => `mount --bind /dev/null "$(command -v ${program})"`).join('; ');
  const without = (programs: readonly string[], ...words: readonly string[]): Promise<RunResult> =>
    host.run(['unshare', '-m', 'bash', '-c', `${hide(...programs)}; exec "$@"`, 'hide', minidock, ...words], {
      timeout: 60_000,
    });

  test('that of busybox does', async () => {
    const { exitCode, stdout } = await without(['ping'], 'lab', 'run', 'cable', '--auto', '--no-pictures');
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('All 7 steps of cable are done')]);
  }, 60_000);

  test('and without busybox, it is said', async () => {
    const { exitCode, stderr } = await without(['ping', 'busybox'], 'lab', 'start', 'cable');
    expect([exitCode, stderr]).toEqual([expect.any(Number), expect.stringMatching(/\bping\b/)]);
    expect(exitCode).not.toBe(0);
  });
});

test('what was reached is kept: another lab goes on there', async () => {
  await lab('start', 'bridge');
  expect((await lab('next')).exitCode).toBe(0);
  await lab('end');
  expect((await lab('list')).stdout).toMatch(/^bridge +1 of 5/m);
  const again = await lab('start', 'bridge');
  expect(again.stdout).toContain('Step 2 of 5');
  expect((await type('bridge', 'ip -n red link show veth-red')).exitCode).toBe(0);
  const anew = await lab('reset', 'bridge');
  expect(anew.stdout).toContain('Step 1 of 5');
  expect((await type('bridge', 'ip -n red link show veth-red')).exitCode).not.toBe(0);
}, 60_000);

test('two labs live side by side, and commands then want to know which', async () => {
  await lab('start', 'cable', '--again');
  await lab('start', 'host');
  await type('cable', 'ip link add only-here type dummy');
  expect((await type('host', 'ip link show only-here')).exitCode).not.toBe(0);
  const check = await lab('check');
  expect([check.exitCode, check.stderr]).toEqual([1, expect.stringContaining('several labs are running')]);
  expect((await lab('start', 'host')).stderr).toContain('is running already');
}, 60_000);

test('of two that start the same lab at once one is refused, and its end leaves nothing', async () => {
  const before = await host.snapshot();
  const both = await Promise.all([lab('start', 'cable', '--again'), lab('start', 'cable', '--again')]);
  const [made, refused] = both.sort((one, other) => one.exitCode - other.exitCode);
  expect([made.exitCode, refused.exitCode]).toEqual([0, 1]);
  expect(refused.stderr).toContain('the lab cable is running already');
  expect((await lab('check', 'cable')).stdout).toContain('Step 1 of 7');
  expect((await lab('end')).exitCode).toBe(0);
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('a lab that plays itself ends with its command, killed or not', async () => {
  const before = await host.snapshot();
  const played = host.spawn([minidock, 'lab', 'run', 'cable', '--auto']);
  await played.waitForOutput(/Step 1 of 7/);
  played.kill('SIGKILL');
  await played.exited;
  const left = (): string[] => readdirSync(join(host.runDir, 'lab')).filter((name) => name.includes('+'));
  await host.waitFor(() => left().length === 0, 'the lab to be taken away');
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('asked for from inside, with no shell open, the lab is made anew; and another begins as soon as one has ended', async () => {
  await lab('start', 'cable', '--again');
  await type('cable', 'touch /tmp/mine');
  const anew = await lab('enter', 'cable', '--', 'minidock', 'lab', 'reset');
  expect(anew.stdout).toContain('Step 1 of 7');
  expect((await type('cable', 'test -e /run/lab/state && ! test -e /tmp/mine')).exitCode).toBe(0);
  const ended = await lab('enter', 'cable', '--', 'minidock', 'lab', 'end');
  expect([ended.exitCode, ended.stdout]).toEqual([0, expect.stringContaining('The lab cable is gone')]);
  expect(await lab('start', 'cable')).toMatchObject({ exitCode: 0, stderr: '' });
}, 60_000);

test.each([
  [['list', 'cable'], 'lab list does not take "cable"'],
  [['check', 'cable', 'host'], 'lab check does not take "host"'],
  [['start', 'cable', '--auto'], 'lab start does not take "--auto"'],
  [['reset', '--again'], 'lab reset does not take "--again"'],
  [['end', '--no-pictures'], 'lab end does not take "--no-pictures"'],
  [['start', 'cable', '--seed', '1'], 'lab start does not take "--seed"'],
  [['break', '--seed', '1e3'], 'a seed is a number from 0 to 999999, not "1e3"'],
  [['run', 'cable'], 'needs --auto'],
  [['run', '--auto'], 'needs the name of a lesson'],
  [['enter', 'cable'], 'no lab cable is running'],
])('%j is refused', async (words, because) => {
  const { exitCode, stderr } = await lab(...words);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(because)]);
});

test('a lab goes with the host that it is in', async () => {
  const other = await createHost();
  const started = await other.minidock('lab', 'start', 'cable');
  await other.dispose();
  expect(started.exitCode).toBe(0);
}, 60_000);

test('a lab in a chroot, where the kernel lets nobody make a user namespace', async () => {
  const before = await host.snapshot();
  const chroot = 'mount --rbind / /mnt; ! chroot /mnt unshare --user true 2>/dev/null; exec chroot /mnt "$@"';
  const words = [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    chroot,
    'chroot',
    minidock,
    'lab',
    'run',
    'ns-uts',
    '--auto',
  ];
  const { exitCode, stdout } = await host.run([...words, '--no-pictures']);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('All 3 steps of ns-uts are done')]);
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('nothing that is typed in there reaches the machine, and the end leaves nothing', async () => {
  const keep = join(host.dir, 'precious');
  writeFileSync(keep, 'still here');
  const machine = (): string[] =>
    ['kernel/panic', 'vm/swappiness'].map((name) => readFileSync(`/proc/sys/${name}`, 'utf8'));
  const [before, settings] = [await host.snapshot(), machine()];
  await lab('start', 'cable', '--again');
  // Without this the rest must not be tried: root in there is somebody who owns nothing of the machine's.
  const { stdout: ids } = await type('cable', 'cat /proc/self/uid_map /proc/self/gid_map /proc/1/uid_map');
  expect(ids.match(/\d+/g)).toEqual(Array(3).fill(['0', '1879048192', '65536']).flat());
  const { stdout: mounts } = await type('cable', 'cat /proc/self/mounts');
  const [root = '', ...others] = mounts
    .trim()
    .split('\n')
    .reverse()
    .map((line) => line.split(' '))
    .sort((one, other) => (one[1] ?? '').length - (other[1] ?? '').length);
  expect([root[0], root[1], root[2]]).toEqual(['lab', '/', 'tmpfs']);
  const own = ['tmpfs', 'devpts', 'mqueue', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'nsfs'];
  const files = ['/run/lab/bin/minidock', '/run/lab/progress', '/run/lab/reached'];
  const foreign = others.filter(([, at = '', type_ = '']) => !own.includes(type_) && !files.includes(at));
  const ofTheSystem =
    /^\/(usr|opt|bin|sbin|lib\w*|nix|gnu)($|\/)|^\/dev\/(null|zero|full|u?random|tty|net\/tun)$/;
  expect(foreign.filter(([, at = '']) => !ofTheSystem.test(at))).toEqual([]);
  // Each would do no harm if it were allowed: what is written is what is there.
  const refused = [
    'cat /proc/sys/kernel/panic >/proc/sys/kernel/panic',
    'sysctl -w vm.swappiness=$(cat /proc/sys/vm/swappiness)',
    'echo h >/proc/sysrq-trigger',
    'unshare --pid --fork --mount-proc sh -c "cat /proc/sys/kernel/panic >/proc/sys/kernel/panic"',
    'date -s "@$(date +%s)"',
    'dmesg -C',
    'busybox mount -t devtmpfs dev /mnt',
    'busybox mount -t securityfs none /mnt',
    'busybox mount -t ext4 /dev/vda /mnt || busybox mount -t ext4 /dev/sda1 /mnt',
    'for major in 8 253 254 259 7; do mknod "/dev/d$major" b $major 0 && exit 0; done; exit 1',
    'mknod /dev/kmem2 c 1 1',
    'chmod 000 /dev/null',
    'chmod 600 /run/lab/bin/minidock',
    'mount -o remount,bind,rw /usr && touch /usr/written',
    'echo a >/sys/fs/cgroup/devices/devices.allow',
    'cat /sys/kernel/mm/ksm/run >/sys/kernel/mm/ksm/run',
    'nice -n -20 true 2>&1 | grep -q . && exit 1; chrt -f 99 true',
    'modprobe dummy && modprobe -r dummy',
  ];
  for (const line of refused) expect([line, (await type('cable', line)).exitCode]).not.toEqual([line, 0]);
  await type('cable', 'echo lost >/etc/passwd; kill -9 -1');
  // Of the root file system alone: whatever else were mounted in there by a fault of ours is not touched.
  const remove = 'timeout 20 rm -rf --one-file-system --no-preserve-root / 2>/dev/null';
  await type(
    'cable',
    `test "$(cat /run/lab/lesson)" = cable && ! grep devtmpfs /proc/mounts && { rm -rf ${keep} /etc /root; ${remove}; }`,
  );
  expect(readFileSync(keep, 'utf8')).toBe('still here');
  expect(readFileSync('/etc/passwd', 'utf8')).toContain('root');
  expect(machine()).toEqual(settings);
  expect((await lab('end')).exitCode).toBe(0);
  expect(await host.snapshot()).toEqual(before);
  expect(existsSync(join(host.runDir, 'lab', 'cable'))).toBe(false);
  // What was reached by others before is not among what was deleted.
  expect((await lab('list')).stdout).toMatch(/^bridge +1 of 5/m);
}, 120_000);

test('the list says where to begin to someone who knows nothing', async () => {
  const { stdout } = await lab();
  expect(stdout).toMatch(/minidock lab start \S+/);
  expect((await lab('start', 'nonsense')).stderr).toContain('minidock lab list');
  expect((await lab('start', 'cabel')).stderr).toContain('Did you mean cable?');
  expect((await lab('start', 'proxy-mtu')).stderr).not.toContain('Did you mean');
  // Of the list, which is longer than a screen, the end is what stays.
  expect((await lab('list')).stdout.trimEnd().split('\n').at(-1)).toMatch(/minidock lab start \S+$/);
});
