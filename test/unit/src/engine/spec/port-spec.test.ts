import { describe, expect, test } from '@jest/globals';
import { parseExposed, parsePort } from '../../../../../src/engine/spec/port-spec.ts';
import type { PortRequest } from '../../../../../runtime/network/types.ts';

const any = { hostIp: '0.0.0.0', protocol: 'tcp' } as const;

describe("Docker's forms of -p", () => {
  const cases: readonly (readonly [string, readonly PortRequest[]])[] = [
    ['80', [{ ...any, hostPort: 0, containerPort: 80 }]],
    ['8080:80', [{ ...any, hostPort: 8080, containerPort: 80 }]],
    [':80', [{ ...any, hostPort: 0, containerPort: 80 }]],
    ['0:80', [{ ...any, hostPort: 0, containerPort: 80 }]],
    ['8080:80/tcp', [{ ...any, hostPort: 8080, containerPort: 80 }]],
    ['53:53/UDP', [{ ...any, hostPort: 53, containerPort: 53, protocol: 'udp' }]],
    ['127.0.0.1:8080:80', [{ ...any, hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80 }]],
    ['127.0.0.1::80', [{ ...any, hostIp: '127.0.0.1', hostPort: 0, containerPort: 80 }]],
    [
      '127.0.0.1:8080-8081:80-81/udp',
      [
        { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'udp' },
        { hostIp: '127.0.0.1', hostPort: 8081, containerPort: 81, protocol: 'udp' },
      ],
    ],
    [
      '80-81',
      [
        { ...any, hostPort: 0, containerPort: 80 },
        { ...any, hostPort: 0, containerPort: 81 },
      ],
    ],
    ['80/', [{ ...any, hostPort: 0, containerPort: 80 }]],
    ['0.0.0.0:8080:80', [{ ...any, everyAddress: true, hostPort: 8080, containerPort: 80 }]],
    ['65535:65535', [{ ...any, hostPort: 65535, containerPort: 65535 }]],
    ['8080-8090:80', [{ ...any, hostPort: 8080, hostPortEnd: 8090, containerPort: 80 }]],
  ];
  test.each(cases)('%s', (spec, expected) => {
    expect(parsePort(spec)).toStrictEqual(expected);
  });
});

test.each([
  ['abc', 'Invalid containerPort: abc'],
  ['8080:abc', 'Invalid containerPort: abc'],
  ['8080:0', 'Invalid containerPort: 0'],
  ['8080:70000', 'Invalid containerPort: 70000'],
  ['81-80', 'Invalid containerPort: 81-80'],
  ['-1', 'Invalid containerPort: -1'],
  ['abc:80', 'Invalid hostPort: abc'],
  ['70000:80', 'Invalid hostPort: 70000'],
  ['8081-8080:80', 'Invalid hostPort: 8081-8080'],
  ['', 'No port specified: <empty>'],
  ['8080:', 'No port specified: 8080:<empty>'],
  ['8080-8081:80-82', 'Invalid ranges specified for container and host Ports: 80-82 and 8080-8081'],
  ['8080:80-81', 'Invalid ranges specified for container and host Ports: 80-81 and 8080'],
  ['80/foo', 'Invalid proto: foo'],
  ['80/tcp/udp', 'Invalid proto: tcp/udp'],
  ['80/sctp', 'cannot publish a port of sctp: minidock publishes tcp and udp'],
  ['localhost:80:80', 'Invalid ip address: localhost'],
  ['1.2.3:80:80', 'Invalid ip address: 1.2.3'],
  ['1.2.3.4:5:6:7', 'Invalid ip address: 1.2.3.4:5'],
  ['[fe80::1%eth0]:80:80', 'Invalid ip address: [fe80::1%eth0]'],
  ['[::1::2]:80:80', 'Invalid ip address: [::1::2]'],
  ['10.20.30.40:50:6:7', 'Invalid ip address: 10.20.30.40:50'],
  ['g::1:80:80', 'Invalid ip address: g::1'],
  ['a[::1]:80:80', 'Invalid ip address: a[::1]'],
  ['[::1]a:80:80', 'Invalid ip address: [::1]a'],
  ['::1g:80:80', 'Invalid ip address: ::1g'],
])("'%s' is refused: %s", (spec, message) => {
  expect(() => parsePort(spec)).toThrow(
    expect.objectContaining({ code: 'BAD_PORT', message, exitCode: 125 }),
  );
});

test('exposed ports are a port or a range, with a protocol or without', () => {
  expect(parseExposed('80')).toEqual([{ port: 80, protocol: 'tcp' }]);
  expect(parseExposed('5000-5001/udp')).toEqual([
    { port: 5000, protocol: 'udp' },
    { port: 5001, protocol: 'udp' },
  ]);
  for (const spec of ['8080:80', '0', '80/tcp/x'])
    expect(() => parseExposed(spec)).toThrow(`invalid range format for --expose: ${spec}`);
});

test.each([
  ['[::1]:80:8080', '::1'],
  ['::1:80:8080', '::1'],
  ['[::]:80:8080', '::'],
  ['[2001:DB8:0::0009]:80:8080', '2001:db8::9'],
])('%s is at %s', (text, hostIp) => {
  expect(parsePort(text)).toEqual([{ hostIp, hostPort: 80, containerPort: 8080, protocol: 'tcp' }]);
});
