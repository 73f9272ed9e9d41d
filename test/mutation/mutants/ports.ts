/** Published ports: their rules, and the sockets that reserve them. */
import { mutantsOf } from '../mutant.ts';

export const ports = [
  ...mutantsOf(
    'runtime/network/firewall/nftables.ts',
    [
      '`${ip}${protocol} . ${hostPort + index}`',
      '`${ip}${protocol} . ${hostPort}`',
      'kernel/(firewall|ports|network)\\.|unit/runtime/network',
    ],
    [
      '`${endpoint.address} . ${group.containerPort + index}`',
      '`${endpoint.address} . ${group.containerPort}`',
      'kernel/(firewall|ports|network)\\.|unit/runtime/network',
    ],
    [
      "argv: change('delete', keys.join(', '))",
      "argv: change('delete', keys.slice(0, 1).join(', '))",
      'e2e/containers/run\\.|kernel/network\\.|unit/runtime/network',
    ],
  ),
  ...mutantsOf(
    'runtime/network/firewall/iptables.ts',
    [
      "const base = count === 1 ? '' : `/${hostPort}`;",
      "const base = '';",
      'kernel/(firewall|ports|network)\\.|unit/runtime/network|golden',
    ],
    [
      '`${hostPort}:${hostPort + count - 1}`',
      '`${hostPort}:${hostPort + count}`',
      'kernel/(firewall|ports|network)\\.|unit/runtime/network|golden',
    ],
  ),
  ...mutantsOf(
    'runtime/syscall/sockets.ts',
    ["    if (protocol === 'tcp') call('listen', socket, BACKLOG);\n", '', 'kernel/ports\\.'],
    ['name.set([port >> 8, port & 0xff, ...', 'name.set([port & 0xff, port >> 8, ...', 'kernel/ports\\.'],
    [
      "const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;\n  const name = socketAddress(address, port);",
      'const type = SOCK_STREAM;\n  const name = socketAddress(address, port);',
      'kernel/ports\\.',
    ],
  ),
  ...mutantsOf(
    'runtime/network/ports.ts',
    [
      'if (first === last && port !== 0) throw alreadyAllocated(request, port, error);',
      'if (port !== 0) throw alreadyAllocated(request, port, error);',
      'kernel/ports\\.',
    ],
    [
      'fd = acceptConnection(listener)) closeSync(fd);',
      'fd = acceptConnection(listener)) void fd;',
      'kernel/ports\\.|e2e/containers/sleep\\.',
    ],
  ),
  ...mutantsOf('runtime/network/port-holder.ts', [
    "(protocol === 'udp' || state === '0A')",
    "(protocol === 'udp' || state !== '0A')",
    'unit/runtime/network/port-holder',
  ]),
];
