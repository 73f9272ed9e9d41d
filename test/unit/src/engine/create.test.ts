/** Flags and an image's configuration, merged as Docker merges them. */
import { examiner } from '../../../../src/engine/state/examiner.ts';
import { describe, expect, test } from '@jest/globals';
import type { ContainerDefaults, StoredImage } from '../../../../images/types.ts';
import type { ContainerSpec } from '../../../../src/engine/spec/container.ts';
import { draftContainer } from '../../../../src/engine/create.ts';
import type { CreateRequest } from '../../../../src/engine/spec/create-request.ts';
import { ContainerStore } from '../../../../src/engine/state/store.ts';

const store = new ContainerStore({ root: '/nowhere/root', run: '/nowhere/run' }, examiner);

function spec(
  flags: Partial<CreateRequest> = {},
  defaults: ContainerDefaults = { Cmd: ['sh'] },
): ContainerSpec {
  const image = {
    id: 'sha256:0',
    layerDirs: [],
    config: { os: 'linux', architecture: 'amd64', config: defaults },
  };
  const request = {
    image: 'x',
    args: [],
    attachStdin: false,
    attachStdout: true,
    attachStderr: true,
    ...flags,
  };
  return draftContainer(store, request, image as unknown as StoredImage).config.spec;
}

describe('entrypoint and command', () => {
  const defaults = { Entrypoint: ['/entry'], Cmd: ['a', 'b'] };

  test.each([
    [{}, ['/entry'], ['a', 'b']],
    [{ args: ['c'] }, ['/entry'], ['c']],
    [{ entrypoint: '/own' }, ['/own'], []],
    [{ entrypoint: '/own', args: ['c'] }, ['/own'], ['c']],
    [{ entrypoint: '', args: ['c'] }, [], ['c']],
  ])('%j', (flags, entrypoint, cmd) => {
    expect(spec(flags, defaults)).toMatchObject({ entrypoint, cmd });
  });

  test('nothing to run is refused', () => {
    expect(() => spec({}, {})).toThrow('no command specified');
    expect(() => spec({ entrypoint: '' }, defaults)).toThrow('no command specified');
  });
});

describe('defaults of the image, and flags over them', () => {
  const defaults: ContainerDefaults = {
    Cmd: ['x'],
    User: 'app',
    WorkingDir: '/srv',
    StopSignal: 'SIGQUIT',
    Env: ['A=1', 'B=2'],
    Labels: { one: '1', two: '2' },
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  };

  test('of the image', () => {
    expect(spec({}, defaults)).toMatchObject({
      user: 'app',
      workingDir: '/srv',
      stopSignal: 'SIGQUIT',
      labels: { one: '1', two: '2' },
      exposedPorts: ['53/udp', '80/tcp'],
      stopTimeout: 10,
    });
  });

  test('of the flags', () => {
    const flags = {
      user: '0',
      workdir: '/tmp',
      stopSignal: 'INT',
      label: ['two=II', 'three'],
      stopTimeout: '3',
    };
    expect(spec(flags, defaults)).toMatchObject({
      user: '0',
      workingDir: '/tmp',
      stopSignal: 'INT',
      labels: { one: '1', two: 'II', three: '' },
      stopTimeout: 3,
    });
  });

  test('variables: the later wins', () => {
    const { env } = spec({ env: ['B=3', 'C='] }, defaults);
    const last = new Map(env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry]));
    expect([...last.values()].sort()).toEqual(['A=1', 'B=3', 'C=']);
  });
});

describe('network', () => {
  test('-p exposes, -P publishes what is exposed and not published yet', () => {
    const defaults = { Cmd: ['x'], ExposedPorts: { '80/tcp': {}, '90/tcp': {} } };
    const { network, exposedPorts } = spec(
      { publish: ['8080:80'], publishAll: true, expose: ['70-71'] },
      defaults,
    );
    expect(exposedPorts).toEqual(['70/tcp', '71/tcp', '80/tcp', '90/tcp']);
    expect(network.ports.map(({ containerPort }) => containerPort).sort()).toEqual([70, 71, 80, 90]);
  });

  test('the firewall is the flag’s, else the setting’s, else nftables', () => {
    expect(spec().network.firewall).toBe('nftables');
    process.env['MINIDOCK_FIREWALL'] = 'iptables';
    try {
      expect(spec().network.firewall).toBe('iptables');
      expect(spec({ firewall: 'nftables' }).network.firewall).toBe('nftables');
      process.env['MINIDOCK_FIREWALL'] = 'ipchains';
      expect(() => spec()).toThrow('must be nftables or iptables');
    } finally {
      delete process.env['MINIDOCK_FIREWALL'];
    }
  });

  test('without a network of its own, -p means nothing', () => {
    expect(spec({ network: 'host', publish: ['8080:80'] }).network.ports).toEqual([]);
    expect(spec({ network: 'none' }).network.mode).toBe('none');
  });

  test.each([
    [{ network: 'nowhere' }, /network nowhere not found/],
    [{ network: 'host', ip: '10.0.0.1' }, /conflicting options|user specified IP address/],
    [{ ip: 'ten' }, /invalid IPv4 address: ten/],
    [{ macAddress: 'xx' }, /mac address/],
    [{ dns: ['google'] }, /google/],
    [{ addHost: ['db'] }, /db/],
    [{ addHost: ['db:here'] }, /here/],
    [{ firewall: 'ufw' }, /nftables or iptables/],
    [{ macAddress: '01:00:5e:00:00:01' }, /not a valid mac address/],
    [{ macAddress: '00:00:00:00:00:00' }, /not a valid mac address/],
    [{ addHost: ['db:a:b'] }, /invalid IP address in add-host: "a:b"/],
    [{ addHost: ['db\n6.6.6.6 evil:10.0.0.1'] }, /no spaces or line breaks/],
    [{ dns: ['a:b'] }, /not correctly formatted/],
    [{ dnsSearch: ['a\nnameserver 6.6.6.6'] }, /no spaces or line breaks/],
    [{ hostname: 'two words' }, /no spaces or line breaks/],
    [{ hostname: 'h'.repeat(65) }, /at most 64 bytes/],
  ])('%j is refused', (flags, words) => {
    expect(() => spec(flags)).toThrow(words);
  });
});

describe('refused here already, not at start', () => {
  test.each([
    [{ name: '-x' }, /Invalid container name \(-x\)/],
    [{ workdir: 'here' }, /the working directory 'here' is invalid/],
    [{ stopSignal: 'NONE' }, /invalid signal: NONE/],
    [{ capAdd: ['FLY'] }, /FLY/],
    [{ memory: '1k' }, /Minimum memory limit/],
    [{ memory: 'lots' }, /invalid argument "lots"/],
    [{ cpus: '-1' }, /cpus|CPUs/],
    [{ ulimit: ['x'] }, /ulimit/],
    [{ sysctl: ['novalue'] }, /novalue/],
    [{ device: [''] }, /device/],
    [{ securityOpt: ['magic'] }, /magic/],
    [{ stopTimeout: 'soon' }, /soon/],
    [{ pidsLimit: '99999999999999999999' }, /value out of range/],
  ])('%j', (flags, words) => {
    expect(() => spec(flags)).toThrow(words);
  });
});

test('a draft has an id, and a place for each volume, though nothing is made', () => {
  const image = {
    id: 'sha256:0',
    layerDirs: ['/l'],
    config: { os: 'linux', architecture: 'amd64', config: { Cmd: ['x'] } },
  };
  const request = {
    image: 'x',
    args: [],
    attachStdin: false,
    attachStdout: true,
    attachStderr: true,
    volume: ['v:/a', '/b'],
  };
  const { config } = draftContainer(store, request, image as unknown as StoredImage);
  expect(config.id).toMatch(/^[0-9a-f]{64}$/);
  expect(config.spec.hostname).toBe(config.id.slice(0, 12));
  expect(config.spec.mounts.map(({ source }) => source)).toEqual([
    '/nowhere/root/volumes/v/_data',
    expect.stringMatching(/^\/nowhere\/root\/volumes\/[0-9a-f]{64}\/_data$/),
  ]);
});
