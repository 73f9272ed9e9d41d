/** Cables, addresses, bridges, forwarding, and the files about them. */
import { mutantsOf } from '../mutant.ts';

const kernel = 'kernel/network\\.';

export const network = [
  ...mutantsOf(
    'runtime/network/addresses.ts',
    ["'link', 'set', interfaceName, 'up'", "'link', 'set', interfaceName, 'down'", kernel],
    ["'brd', '+', 'dev', interfaceName", "'dev', interfaceName", 'kernel/network\\.|golden/explain'],
    [
      '(internal ? [] : planDefaultRoutes(endpoint))',
      'planDefaultRoutes(endpoint)',
      'e2e/networks/networks\\. -t internal',
    ],
    [
      "'route', 'add', 'default', 'via', network.gateway",
      "'route', 'add', '10.255.0.0/16', 'via', network.gateway",
      kernel,
    ],
  ),
  ...mutantsOf(
    'runtime/network/bridge.ts',
    [
      'const path = `${settings(bridge)}/route_localnet`;',
      'const path = `${settings(bridge)}/forwarding`;',
      'kernel/(network|firewall|ports)\\.',
    ],
    [
      "const path = '/proc/sys/net/ipv4/ip_forward';",
      "const path = '/proc/sys/net/ipv4/conf/lo/forwarding';",
      'kernel/(network|firewall)\\.|e2e/networks/networks\\.',
    ],
    [
      "check: { kind: 'path-exists', path: settings(bridge) },",
      '',
      'kernel/network\\.|e2e/containers/run\\.',
    ],
    ["`${gateway}/${prefix}`, 'dev', bridge", "`${gateway}/32`, 'dev', bridge", kernel],
  ),
  ...mutantsOf(
    'runtime/network/veth.ts',
    ["'master', network.bridge]", "'up']", kernel],
    ["'hairpin', 'on'", "'hairpin', 'off'", 'kernel/network\\.|e2e/networks/networks\\.|golden/explain'],
    [
      "'address', macAddress, ...mtuOf(network)",
      '...mtuOf(network)',
      'kernel/network\\.|e2e/\\S+/(network-modes|networks)\\.',
    ],
  ),
  ...mutantsOf(
    'runtime/network/ipam.ts',
    ['if (address === gateway) continue;', '', 'unit/runtime/network/ipam'],
    ['block.base + sizeOf(block) - 2]', 'block.base + sizeOf(block) - 1]', 'unit/runtime/network/ipam'],
    [
      'if (ownerOf(file) === owner) rmSync',
      'if (ownerOf(file) !== undefined) rmSync',
      'unit/runtime/network/ipam',
    ],
    ['if (!contains(block, address))', 'if (false)', 'unit/runtime/network/ipam'],
    [
      "if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;",
      "if ((error as NodeJS.ErrnoException).code === 'EEXIST') return true;",
      'unit/runtime/network/ipam',
    ],
  ),
  ...mutantsOf(
    'runtime/network/hosts.ts',
    [
      "short === full ? full : `${full} ${domainname === '' ? short : hostname}`",
      'full',
      'unit/runtime/network/hosts',
    ],
    [
      "if (address !== 'host-gateway') return address;",
      "if (address !== 'host-gateway' || address !== '') return address;",
      'unit/runtime/network/hosts',
    ],
  ),
  ...mutantsOf('src/engine/network/address-notes.ts', [
    "if (wasThere) await run('ip', 'link', 'delete', cable);",
    '',
    'e2e/networks/former-cable\\.',
  ]),
  ...mutantsOf(
    'src/engine/network/networking.ts',
    [
      '    releaseAddresses(leases, config.id);\n    throw error;',
      '    throw error;',
      'e2e/\\S+/(fault|errors)\\. -t address|undone|says which',
      'fail() of the shim catches it, and gives back all that the container has leased once more',
    ],
    ['if (!hasProgram(other.state)) {', 'if (false) {', 'e2e/faults/errors\\. -t that does not run'],
  ),
];
