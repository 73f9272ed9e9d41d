/** Cables, addresses, bridges, forwarding, and the files about them. */
import { mutantsOf } from '../mutant.ts';

const kernel = 'kernel/network\\.';

export const network = [
  ...mutantsOf(
    'runtime/network/addresses.ts',
    ["'link', 'set', interfaceName, 'up'", "'link', 'set', interfaceName, 'down'", kernel],
    ["'brd', '+', 'dev', interfaceName", "'dev', interfaceName", 'kernel/network\\.|golden/explain'],
    [
      '(endpoint.network.internal === true ? [] : [planDefaultRoute(endpoint)])',
      '[planDefaultRoute(endpoint)]',
      'e2e/networks\\. -t internal',
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
      "command: { kind: 'write', path: `${settings}/route_localnet`, text: '1' }",
      "command: { kind: 'write', path: `${settings}/route_localnet`, text: '0' }",
      'kernel/(network|firewall|ports)\\.',
    ],
    [
      "command: { kind: 'write', path, text: '1' }",
      "command: { kind: 'write', path, text: '0' }",
      'kernel/(network|firewall)\\.|e2e/networks\\.',
    ],
    ["check: { kind: 'path-exists', path: settings },", '', 'kernel/network\\.|e2e/run\\.'],
    ["`${gateway}/${prefix}`, 'dev', bridge", "`${gateway}/32`, 'dev', bridge", kernel],
  ),
  ...mutantsOf(
    'runtime/network/veth.ts',
    ["'master', network.bridge]", "'up']", kernel],
    ["'hairpin', 'on'", "'hairpin', 'off'", 'kernel/network\\.|e2e/networks\\.|golden/explain'],
    [
      "'address', macAddress, ...mtuOf(network)",
      '...mtuOf(network)',
      'kernel/network\\.|e2e/(network-modes|networks)\\.',
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
      "domainname === '' && short === full ? full : `${full} ${domainname === '' ? short : hostname}`",
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
    'e2e/former-cable\\.',
  ]),
  ...mutantsOf(
    'src/engine/network/networking.ts',
    [
      '    releaseAddresses(leases, config.id);\n    throw error;',
      '    throw error;',
      'e2e/(fault|errors)\\. -t address|undone|says which',
      'fail() of the shim catches it, and gives back all that the container has leased once more',
    ],
    ['if (!hasProgram(other.state)) {', 'if (false) {', 'e2e/errors\\. -t that does not run'],
  ),
];
