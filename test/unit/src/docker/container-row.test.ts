import { describe, expect, test } from '@jest/globals';
import type { PortBinding, Protocol } from '../../../../runtime/network/types.ts';
import {
  commandLine,
  containerListStyle,
  containerRow,
  statusText,
} from '../../../../src/docker/container-row.ts';
import { displayPorts } from '../../../../src/docker/display-ports.ts';
import { formatList } from '../../../../src/docker/format.ts';
import {
  anonymousVolume,
  createdState,
  exitedState,
  plainSpec,
  runningState,
  sampleConfig,
  webId,
} from '../../../support/container-samples.ts';

const now = new Date('2026-11-24T12:52:30Z');
const options = { noTrunc: false, now };

describe('a row of ps', () => {
  const row = containerRow({ config: sampleConfig(), state: runningState }, options);

  test('fields are worded as docker ps words them', () => {
    expect(row).toMatchObject({
      ID: '978aaee6dbac',
      Image: 'demo/web:1',
      Command: '"sleep 1000"',
      RunningFor: '11 minutes ago',
      Status: 'Up 11 minutes',
      State: 'running',
      Names: 'web',
      Labels: 'b=a,foo=bar,x.y=z',
      LocalVolumes: '2',
      Networks: 'bridge',
      Ports: '0.0.0.0:8080->80/tcp, 127.0.0.1:9090->90/tcp, 127.0.0.1:9091->91/tcp',
      Size: '0B',
      Mounts: '/srv/src,vol,c98edaecc82faa…',
    });
  });

  test('nothing is cut with --no-trunc', () => {
    const full = containerRow({ config: sampleConfig(), state: runningState }, { noTrunc: true, now });
    expect(full).toMatchObject({ ID: webId, Mounts: `/srv/src,vol,${anonymousVolume}` });
  });

  test('labels can be asked for by name', async () => {
    const style = containerListStyle(false);
    expect(await formatList([row], style, { format: '{{.Label "foo"}}|{{.Label "nope"}}|' })).toBe('bar||\n');
  });

  test('the size column', () => {
    const sized = containerRow(
      { config: sampleConfig(), state: runningState, sizes: { rw: 0, rootFs: 2024601 } },
      options,
    );
    expect(sized['Size']).toBe('0B (virtual 2.02MB)');
    expect(containerListStyle(true).defaultColumns).toContain('Size');
  });

  test('a stopped container has no ports', () => {
    expect(containerRow({ config: sampleConfig(), state: exitedState }, options)['Ports']).toBe('');
  });
});

test('states', () => {
  expect(statusText(exitedState, new Date('2026-11-24T14:41:03Z'))).toBe('Exited (3) 2 hours ago');
  expect(statusText(createdState, now)).toBe('Created');
  expect(statusText({ ...createdState, status: 'dead' }, now)).toBe('Dead');
  expect(statusText({ ...runningState, startedAt: now.toISOString() }, now)).toBe('Up Less than a second');
});

test('commands: arguments with a space in quotes, at most 20 characters, quotes escaped', () => {
  expect(commandLine(['sh'], ['-c', 'exit 3'])).toBe("sh -c 'exit 3'");
  const command = (cmd: readonly string[]): unknown =>
    containerRow({ config: sampleConfig({ spec: { ...plainSpec, cmd } }), state: runningState }, options)[
      'Command'
    ];
  expect(command(['sh', '-c', 'a very long command line'])).toBe('"sh -c \'a very long …"');
  expect(command(['echo', '"x"'])).toBe('"echo \\"x\\""');
});

describe('ports', () => {
  const port = (
    hostPort: number,
    containerPort: number,
    protocol: Protocol = 'tcp',
    hostIp = '0.0.0.0',
  ): PortBinding => ({
    hostIp,
    hostPort,
    containerPort,
    protocol,
  });

  test.each([
    ['80/tcp', [], ['80/tcp']],
    ['80-82/tcp, 80/udp', [], ['80/tcp', '82/tcp', '81/tcp', '80/udp']],
    ['0.0.0.0:8080->80/tcp', [port(8080, 80)], ['80/tcp']],
    ['0.0.0.0:8000-8002->8000-8002/tcp', [port(8000, 8000), port(8001, 8001), port(8002, 8002)], []],
    ['0.0.0.0:9090->90/tcp, 0.0.0.0:9091->91/tcp', [port(9090, 90), port(9091, 91)], []],
    ['0.0.0.0:53->53/tcp, 0.0.0.0:53->53/udp', [port(53, 53, 'udp'), port(53, 53)], []],
    [
      '80/tcp, 0.0.0.0:5353->5353/udp, 0.0.0.0:8000-8001->8000-8001/tcp, 0.0.0.0:7000->7001/tcp',
      [port(7000, 7001), port(8001, 8001), port(8000, 8000), port(5353, 5353, 'udp')],
      ['80/tcp'],
    ],
    ['0.0.0.0:80->80/tcp, 0.0.0.0:82->82/tcp', [port(80, 80), port(82, 82)], []],
  ] as const)('%s', (expected, published, exposed) => {
    expect(displayPorts(published, exposed)).toBe(expected);
  });
});
