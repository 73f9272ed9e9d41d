/** The rarer limits: as the kernel holds them, as inspect shows them, and refused where they make no sense. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { missingController, testUnless } from '../../support/host/requirements.ts';

const engine = useEngine();
const { minidock, ok, expectClean } = engine;
const isUnified = existsSync('/sys/fs/cgroup/cgroup.controllers');

/** A knob of the container's control group, by its name in version 1 and version 2. */
async function knob(id: string, controller: string, v1: string, v2: string): Promise<string> {
  const full = await ok('inspect', '-f', '{{.Id}}', id);
  const place = isUnified ? `minidock/${full}/${v2}` : `${controller}/minidock/${full}/${v1}`;
  return (await engine.host.run(['cat', `/sys/fs/cgroup/${place}`])).stdout.trim();
}

testUnless(missingController('cpu'), '--cpu-period and --cpu-quota', async () => {
  const id = await ok('run', '-d', '--cpu-period', '50000', '--cpu-quota', '20000', 'test', 'sleep', '1000');
  const seen = await knob(id, 'cpu', 'cpu.cfs_quota_us', 'cpu.max');
  expect(seen).toBe(isUnified ? '20000 50000' : '20000');
  expect(await ok('inspect', '-f', '{{.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota}}', id)).toBe(
    '50000 20000',
  );
  await ok('rm', '-f', id);
  await expectClean();
});

testUnless(missingController('cpuset'), '--cpuset-mems', async () => {
  const id = await ok('run', '-d', '--cpuset-mems', '0', 'test', 'sleep', '1000');
  expect(await knob(id, 'cpuset', 'cpuset.mems', 'cpuset.mems')).toBe('0');
  expect(await ok('inspect', '-f', '{{.HostConfig.CpusetMems}}', id)).toBe('0');
});

testUnless(
  isUnified ? 'version 1 only' : missingController('memory'),
  '--memory-swappiness and --oom-kill-disable',
  async () => {
    const id = await ok(
      'run',
      '-d',
      '-m',
      '32m',
      '--memory-swappiness',
      '7',
      '--oom-kill-disable',
      'test',
      'sleep',
      '1000',
    );
    expect(await knob(id, 'memory', 'memory.swappiness', '')).toBe('7');
    expect(await knob(id, 'memory', 'memory.oom_control', '')).toMatch(/^oom_kill_disable 1$/m);
    expect(
      await ok('inspect', '-f', '{{.HostConfig.MemorySwappiness}} {{.HostConfig.OomKillDisable}}', id),
    ).toBe('7 true');
    await ok('rm', '-f', id);
  },
);

const disk = readdirSync('/sys/block').find((name) => existsSync(`/dev/${name}`));

testUnless(
  disk === undefined ? 'no block device' : missingController(isUnified ? 'io' : 'blkio'),
  '--device-read-bps and its family',
  async () => {
    const path = `/dev/${disk ?? ''}`;
    const flags = ['read-bps', 'write-bps'].flatMap((word) => [`--device-${word}`, `${path}:1mb`]);
    const more = ['read-iops', 'write-iops'].flatMap((word) => [`--device-${word}`, `${path}:50`]);
    const id = await ok('run', '-d', ...flags, ...more, 'test', 'sleep', '1000');
    const device = readFileSync(`/sys/block/${disk ?? ''}/dev`, 'utf8').trim();
    for (const [file, value] of [
      ['read_bps', '1048576'],
      ['write_bps', '1048576'],
      ['read_iops', '50'],
      ['write_iops', '50'],
    ]) {
      expect(await knob(id, 'blkio', `blkio.throttle.${file ?? ''}_device`, 'io.max')).toContain(
        isUnified ? `=${value ?? ''}` : `${device} ${value ?? ''}`,
      );
    }
    const shown = await ok('inspect', '-f', '{{json .HostConfig.BlkioDeviceReadIOps}}', id);
    expect(shown).toBe(`[{"Path":"${path}","Rate":50}]`);
    await ok('rm', '-f', id);
    await expectClean();
  },
);

testUnless(
  isUnified ? '' : missingController('devices'),
  '--device-cgroup-rule opens a device to mknod',
  async () => {
    const script = 'mknod /tmp/kmsg c 1 11 && head -c 0 /tmp/kmsg && echo open';
    const closed = await minidock('run', '--rm', 'test', 'sh', '-c', script);
    expect(closed.stdout).toBe('');
    const open = ['--device-cgroup-rule', 'c 1:11 rm', '--cap-add', 'SYSLOG'];
    expect(await ok('run', '--rm', ...open, 'test', 'sh', '-c', script)).toBe('open');
  },
);

test.each([
  [['--cpu-period', '10'], 'CPU cfs period can not be less than 1ms'],
  [['--cpu-quota', '10'], 'CPU cfs quota can not be less than 1ms'],
  [['--cpus', '1', '--cpu-quota', '2000'], 'Nano CPUs and CPU Quota cannot both be set'],
  [['--cpuset-mems', '99'], 'Requested memory nodes are not available'],
  [['--memory-swappiness', '101'], 'Valid memory swappiness range is 0-100'],
  [['--blkio-weight', '5'], 'Range of blkio weight is from 10 to 1000'],
  [['--device-read-bps', 'x'], 'bad format: x'],
  [['--device-read-bps', '/tmp:1mb'], 'bad format for device path'],
  [['--device-read-iops', '/dev/x:1mb'], 'invalid rate for device'],
  [['--device-write-bps', '/dev/nosuch:1mb'], 'no such file or directory'],
  [['--blkio-weight-device', '/dev/x:5'], 'invalid weight for device'],
  [['--device-cgroup-rule', 'x'], "invalid device cgroup format 'x'"],
  [['--isolation', 'hyperv'], 'Invalid isolation: "hyperv"'],
  [['--runtime', 'kata'], 'unknown or invalid runtime name: kata'],
  [['--kernel-memory', '64m'], '--kernel-memory 64m is not supported'],
  [['--storage-opt', 'size=1G'], '--storage-opt size=1G is not supported'],
  [['--gpus', 'all'], 'could not select device driver "" with capabilities: [[gpu]]'],
  [
    ['--gpus', 'driver=nvidia,capabilities=utility'],
    'could not select device driver "nvidia" with capabilities: [[utility gpu]]',
  ],
  [['--gpus', ''], 'invalid argument "" for "--gpus" flag: EOF'],
  [['--gpus', 'x'], 'count must be an integer: strconv.Atoi: parsing "x": invalid syntax'],
  [['--gpus', 'foo=bar'], "unexpected key 'foo' in 'foo=bar'"],
  [['--gpus', 'all,all'], "gpu request key 'all' can be specified only once"],
  [
    ['--device', 'vendor.com/net=x'],
    'CDI device injection failed: unresolvable CDI devices vendor.com/net=x',
  ],
  [['--device', 'vendor.com/net'], 'bad format for path'],
  [['--disable-content-trust=false'], '--disable-content-trust false is not supported'],
])('%j is refused', async (flags, words) => {
  const { exitCode, stderr } = await minidock('run', '--rm', ...flags, 'test', 'true');
  expect(stderr).toContain(words);
  expect(exitCode).toBe(125);
});

test('what means nothing here, or what minidock does anyway, is accepted', async () => {
  const flags = [
    '--runtime',
    'runc',
    '--isolation',
    'default',
    '--volume-driver',
    'local',
    '--disable-content-trust',
  ];
  await ok('run', '--rm', ...flags, 'test', 'true');
});

test.each(['pull', 'push'])(
  '%s --disable-content-trust: true changes nothing, false is refused',
  async (verb) => {
    const refused = await minidock(verb, '--disable-content-trust=false', 'nosuch.invalid/x');
    expect([refused.exitCode, refused.stderr]).toEqual([
      125,
      expect.stringContaining('--disable-content-trust false is not supported'),
    ]);
    const [given, plain] = [
      await minidock(verb, '--disable-content-trust', '127.0.0.1:9/x'),
      await minidock(verb, '127.0.0.1:9/x'),
    ];
    expect([given.exitCode, given.stderr]).toEqual([plain.exitCode, plain.stderr]);
  },
);
