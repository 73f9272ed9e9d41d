/** The firewall of IPv6, and ports of both families. */
import { mutantsOf } from '../mutant.ts';

const kernel = 'kernel/firewall6\\.';
const unit = 'unit/src/engine/spec/published-ports';

export const firewall6 = [
  ...mutantsOf(
    'runtime/network/firewall/nftables6.ts',
    ["      'iifname @bridges fib saddr . iif oif missing drop',\n", '', kernel],
    ["      'oifname @routed icmpv6 type echo-request accept',\n", '', kernel],
    ["(mode === undefined ? '' : add(mode,", "(true ? '' : add('routed',", kernel],
  ),
  ...mutantsOf(
    'runtime/network/firewall/iptables6.ts',
    ['! -s ::/128 -m rpfilter --invert -j DROP', '! -s ::/128 -m rpfilter -j DROP', kernel],
    ['-A MINIDOCK-INBOUND -j DROP\n', '', kernel],
  ),
  ...mutantsOf(
    'runtime/network/firewall/foreign.ts',
    ["['ip', 'ip6', 'inet'].includes(family)", "['ip', 'inet'].includes(family)", 'unit/\\S+/foreign\\.'],
    ['ip6: ipv6 !== undefined }', 'ip6: true }', 'unit/\\S+/foreign\\.'],
  ),
];

export const ports6 = [
  ...mutantsOf('runtime/network/firewall/nftables6.ts', [
    '`${ip}${protocol} . ${String(hostPort + index)}`',
    '`${ip}${protocol} . ${String(hostPort)}`',
    kernel,
  ]),
  ...mutantsOf('runtime/network/firewall/iptables6.ts', [
    "const base = count === 1 ? '' : `/${String(hostPort)}`;",
    "const base = '';",
    kernel,
  ]),
  ...mutantsOf(
    'src/engine/spec/published-ports.ts',
    ['hostIp: EVERY_ADDRESS6, follows: true }];', 'hostIp: EVERY_ADDRESS6 }];', unit],
    ['port.hostIp === EVERY_ADDRESS && port.everyAddress !== true', 'port.hostIp === EVERY_ADDRESS', unit],
    ['return last === undefined ? port', 'return true ? port', unit],
    ['  one.hostPort === before.hostPort &&\n', '', unit],
  ),
  ...mutantsOf('src/diagnose/graph/firewall.ts', [
    "saved6, 'ip6tables')",
    "saved6, 'iptables')",
    'unit/src/teach/firewall',
  ]),
];
