/** Where a port is bound: on one address or on both families, and with the number that it has already. */
import { expect, test } from '@jest/globals';
import { parsePort } from '../../../../../src/engine/spec/port-spec.ts';
import { movePorts, numbered, portsAt } from '../../../../../src/engine/spec/published-ports.ts';
import type { PortBinding } from '../../../../../runtime/network/types.ts';

const ipv6 = { subnet: 'fd00::/64', gateway: 'fd00::1' };
const BOTH = { subnet: '172.18.0.0/16', ipv6 };
const ONE = { subnet: '172.18.0.0/16', publishAt: '192.0.2.7' };
const SIX = { subnet: '', ipv6 };

const placesOf = (ports: readonly PortBinding[]): readonly string[] =>
  ports.map(({ hostIp, hostPort }) => `${hostIp} ${String(hostPort)}`);

const bound = (...places: readonly (readonly [string, number, number?])[]): readonly PortBinding[] =>
  places.map(([hostIp, hostPort, containerPort = 80]) => ({
    hostIp,
    hostPort,
    containerPort,
    protocol: 'tcp',
  }));

test('a port without an address is bound on both families; one with an address where it says', () => {
  expect(placesOf(portsAt(parsePort('8080:80'), BOTH))).toEqual(['0.0.0.0 8080', ':: 8080']);
  for (const place of ['0.0.0.0', '127.0.0.1', '::1'])
    expect(placesOf(portsAt(parsePort(`${place}:8080:80`), BOTH))).toEqual([`${place} 8080`]);
  expect(placesOf(portsAt(parsePort('8080:80'), ONE))).toEqual(['192.0.2.7 8080']);
  expect(placesOf(portsAt(parsePort('8080:80'), SIX))).toEqual([':: 8080']);
  expect(placesOf(portsAt(parsePort('8080:80'), undefined))).toEqual(['0.0.0.0 8080']);
});

test('the second of both families takes the number of the first', () => {
  const asked = portsAt([...parsePort('80'), ...parsePort('90')], BOTH);
  const seen: number[] = [];
  const ports = numbered(asked, (_, index) => {
    seen.push(index);
    return 40000 + index;
  });
  expect(placesOf(ports)).toEqual(['0.0.0.0 40000', ':: 40000', '0.0.0.0 40001', ':: 40001']);
  expect(seen).toEqual([0, 1]);
});

test('numbers stay when the ports move to a network with fewer families, and back', () => {
  const asked = [...parsePort('8080-8090:80'), ...parsePort('81')];
  const two = bound(['0.0.0.0', 8083], ['::', 8083], ['0.0.0.0', 40000, 81], ['::', 40000, 81]);
  const one = movePorts(asked, two, ONE);
  expect([one.isBound, placesOf(one.ports)]).toEqual([true, ['192.0.2.7 8083', '192.0.2.7 40000']]);
  expect(one.ports.some(({ hostPortEnd }) => hostPortEnd !== undefined)).toBe(false);
  expect(
    placesOf(movePorts(asked, bound(['192.0.2.7', 8083], ['192.0.2.7', 40000, 81]), BOTH).ports),
  ).toEqual(placesOf(two));
  const none = movePorts(asked, [], BOTH);
  expect([none.isBound, placesOf(none.ports)]).toEqual([
    false,
    ['0.0.0.0 8080', ':: 8080', '0.0.0.0 0', ':: 0'],
  ]);
});

test('two ports that happen to be neighbours are not one of both families', () => {
  const asked = [...parsePort('0.0.0.0:8080:80'), ...parsePort('[::]:8081:80')];
  const bindings = bound(['0.0.0.0', 8080], ['::', 8081]);
  expect(placesOf(movePorts(asked, bindings, BOTH).ports)).toEqual(['0.0.0.0 8080', ':: 8081']);
});
