/** Devices that a specification of the host describes (CDI): `--gpus` and `--device VENDOR/CLASS=NAME`. */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();

/** Below /run, which a throw-away host has for itself. */
const write = async (name: string, content: string): Promise<void> => {
  await sh(`mkdir -p /run/cdi; cat >/run/cdi/${name} <<'END'\n${content}\nEND`);
};

const CARD = `cdiVersion: "0.6.0"
kind: acme.org/card
containerEdits:
  env: [COMMON=once]
devices:
  - name: one
    containerEdits:
      env: [CARD=one]
      deviceNodes:
        - { path: /dev/acme, hostPath: /dev/kmsg, permissions: r, uid: 7, fileMode: 432 }
      mounts:
        - { hostPath: /run/cdi, containerPath: /opt/acme, options: [ro, nosuid, nodev, rbind] }
      additionalGids: [4321]
  - name: two
    containerEdits: { env: [CARD=two, TWO=yes] }
  - name: hooked
    containerEdits: { hooks: [{ hookName: createContainer, path: /bin/hook }] }`;

test('a device of a YAML specification: node, mount, variables and group', async () => {
  await write('card.yaml', CARD);
  const look = `env | grep -E '^(CARD|COMMON|TWO)=' | sort; ls -ln /dev/acme | tr -s " " | cut -d" " -f1-3; ls /opt/acme; touch /opt/acme/x; id -G; echo >/dev/acme`;
  const { stdout, stderr } = await minidock(
    'run',
    '--rm',
    '--device',
    'acme.org/card=one',
    'test',
    'sh',
    '-c',
    look,
  );
  expect(stdout.split('\n')).toEqual([
    'CARD=one',
    'COMMON=once',
    'crw-rw---- 1 7',
    'card.yaml',
    expect.stringContaining('4321'),
    '',
  ]);
  expect(stderr).toMatch(/Read-only file system/);
  expect(stderr).toMatch(/\/dev\/acme: Operation not permitted/);
  const both = ['--device', 'acme.org/card=one', '--device', 'acme.org/card=two'];
  expect(await ok('run', '--rm', ...both, 'test', 'sh', '-c', 'echo $CARD $COMMON $TWO')).toBe(
    'two once yes',
  );
  await ok('create', '--name', 'kept', ...both, '--device', '/dev/full', 'test', 'sh', '-c', 'echo $CARD');
  expect(
    await ok('inspect', '-f', '{{json .HostConfig.DeviceRequests}} {{len .HostConfig.Devices}}', 'kept'),
  ).toBe(
    '[{"Driver":"cdi","Count":0,"DeviceIDs":["acme.org/card=one","acme.org/card=two"],"Capabilities":null,"Options":null}] 1',
  );
  // Read anew at each start.
  await write('card.yaml', CARD.replace('CARD=two', 'CARD=new'));
  expect(await ok('start', '-a', 'kept')).toBe('new');
  expect(await ok('run', '--dry-run', '--device', 'acme.org/card=one', 'test', 'true')).toContain(
    '/opt/acme',
  );
});

test('--gpus: all of them, a number, names; of NVIDIA first', async () => {
  const gpus = (kind: string, ...names: readonly string[]): string =>
    JSON.stringify({
      cdiVersion: '0.5.0',
      kind,
      devices: names.map((name) => ({ name, containerEdits: { env: [`GPU_${name}=${kind}`] } })),
    });
  const seen = async (words: string): Promise<string> =>
    ok('run', '--rm', '--gpus', words, 'test', 'sh', '-c', 'env | grep ^GPU_ | sort | xargs echo');
  await write('other.json', gpus('acme.org/gpu', '0', '1'));
  expect(await seen('all')).toBe('GPU_0=acme.org/gpu GPU_1=acme.org/gpu');
  await write('nvidia.json', gpus('nvidia.com/gpu', '0', '1', '2', 'all'));
  expect(await seen('all')).toBe('GPU_all=nvidia.com/gpu');
  expect(await seen('2')).toBe('GPU_0=nvidia.com/gpu GPU_1=nvidia.com/gpu');
  expect(await seen('"device=0,2",capabilities=utility')).toBe('GPU_0=nvidia.com/gpu GPU_2=nvidia.com/gpu');
  expect(await seen('driver=nvidia')).toBe('GPU_0=nvidia.com/gpu');
  await ok('create', '--name', 'one', '--gpus', 'all', 'test', 'true');
  expect(await ok('inspect', '-f', '{{json .HostConfig.DeviceRequests}}', 'one')).toBe(
    '[{"Driver":"","Count":-1,"DeviceIDs":null,"Capabilities":[["gpu"]],"Options":{}}]',
  );
});

test.each([
  [['--gpus', '9'], /unresolvable CDI devices nvidia\.com\/gpu=3, nvidia\.com\/gpu=4.*\n.*Known: acme\.org/],
  [['--gpus', 'count=2,device=0'], /cannot set both Count and DeviceIDs on device request/],
  [['--gpus', 'all,driver=cdi'], /could not select device driver "cdi" with capabilities: \[\[gpu\]\]/],
  [['--device', 'acme.org/card=hooked'], /acme\.org\/card=hooked needs the hook \/bin\/hook .*runs no hooks/],
  [['--device', 'acme.org/card=none'], /unresolvable CDI devices acme\.org\/card=none/],
  [
    ['--device', 'bad.org/x=1'],
    /unresolvable CDI devices bad\.org\/x=1[^]*\/run\/cdi\/bad\.yaml is not valid: .*devices/,
  ],
  [
    ['--device', 'acme.org/gpu=1'],
    /unresolvable CDI devices acme\.org\/gpu=1[^]*is described in .*again\.json/,
  ],
])('%j: nothing starts, nothing is left', async (flags, words) => {
  await write('bad.yaml', 'kind: bad.org/x\ndevices: {}');
  await write('again.json', '{"kind":"acme.org/gpu","devices":[{"name":"1","containerEdits":{}}]}');
  const { exitCode, stderr } = await minidock('run', '--rm', ...flags, 'test', 'true');
  expect(stderr).toMatch(words);
  expect(exitCode).toBe(125);
  await engine.expectClean();
});

test('aliases cannot make a specification grow, and a fault at a step of a device is undone', async () => {
  await write('bomb.yaml', 'a: &a [x, x]\nb: &b [*a, *a]\nkind: [*b, *b]\ndevices: []');
  expect((await minidock('run', '--rm', '--device', 'acme.org/none=1', 'test', 'true')).stderr).toContain(
    '/run/cdi/bomb.yaml',
  );
  await write(
    'lost.yaml',
    CARD.replaceAll('acme.org', 'lost.org').replace('hostPath: /run/cdi', 'hostPath: /nowhere'),
  );
  const { exitCode, stderr } = await minidock('run', '--rm', '--device', 'lost.org/card=one', 'test', 'true');
  expect([exitCode, stderr]).toEqual([expect.any(Number), expect.stringContaining('/nowhere')]);
  expect(exitCode).not.toBe(0);
  const binary = join(import.meta.dirname, '../../../dist/minidock');
  const fault = await engine.host.run(
    [binary, 'run', '--rm', '--device', 'acme.org/card=one', 'test', 'true'],
    {
      env: { MINIDOCK_FAIL_AT: 'rootfs.mount:/opt/acme' },
    },
  );
  expect(fault.exitCode).toBe(125);
  await engine.expectClean();
});
