/** nft's own notation and the kernel's; that the kernel understands it is seen in test/e2e/networks/firewall-state.test.ts. */
import { expect, test } from '@jest/globals';
import { elementIn } from '../../../../runtime/plan/nft-elements.ts';
import { isQuick } from '../../../../runtime/plan/perform-host.ts';
import { planFirewall, planPorts } from '../../../../runtime/network/firewall/nftables.ts';
import { bridgeEndpoint, bridgeNetwork } from '../../../support/wired-container.ts';

const endpoint = bridgeEndpoint(bridgeNetwork(0), 2, 'nftables', [
  { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  { hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' },
]);

const get = (set: string, elements: string): readonly string[] => [
  ...['nft', 'get', 'element', 'ip', 'minidock', set],
  `{ ${elements} }`,
];

test.each([
  ['published', 'tcp . 8080', '060000001f900000'],
  ['published', 'udp . 53, udp . 54', '1100000000350000'],
  ['published_at', '127.0.0.1 . tcp . 80', '7f0000010600000000500000'],
  ['rules', '0x39d8f5e6', 'e6f5d839'],
  ['homes', '172.17.0.0/16 . "minidock0"', `ac110000${'6d696e69646f636b30'.padEnd(32, '0')}`],
])('an element of %s, %s, is the key %s', (set, elements, key) => {
  expect(elementIn(get(set, elements))).toEqual({ table: 'minidock', set, key });
});

test.each([
  ['another question', ['nft', 'list', 'table', 'ip', 'minidock']],
  ['another family', ['nft', 'get', 'element', 'inet', 'minidock', 'published', '{ tcp . 8080 }']],
  ['another program', ['ip', 'get', 'element', 'ip', 'minidock', 'published', '{ tcp . 8080 }']],
  ['a notation that no step uses', get('published', '$port')],
  ['no element', get('published', '')],
])('%s is for the program', (_, argv) => {
  expect(elementIn(argv)).toBeUndefined();
});

test('no step starts nft to ask, and each withdrawal of a port is seen by its first element', () => {
  const checks = planFirewall(endpoint.network).flatMap(({ check }) => check ?? []);
  expect(checks).toHaveLength(3);
  expect(checks.filter((check) => !isQuick(check))).toEqual([]);
  for (const { undo } of planPorts(endpoint)) {
    const argv = undo.kind === 'command' && undo.command.kind === 'run' ? undo.command.argv : [];
    expect(elementIn(argv)).toMatchObject({ set: expect.stringMatching(/^published/) });
  }
});
