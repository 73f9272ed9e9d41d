/**
 * Finds leftovers in the kernel with minidock's names but without an owner: namespaces, cables, published ports,
 * control groups, mounts. A container of another root owns its things as long as its shim lives. Ports count only if
 * they lead to a subnet of this root.
 */
import { readFileSync } from 'node:fs';
import { cgroupDirectories, cgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { NFT_TABLE } from '../../../runtime/network/firewall/nft-table.ts';
import { contains, parseCidr, parseIpv4 } from '../../../runtime/network/ipv4.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { parseMountinfo } from '../../../runtime/io/mountinfo.ts';
import { performHostCommand } from '../../../runtime/plan/perform-host.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { readLinks } from '../host/ip.ts';
import { look } from '../host/look.ts';
import { publishedElements, publishedRules } from '../host/published.ts';
import { readProcess } from '../host/processes.ts';
import type { Finding } from './finding.ts';
import { isAlive, namesIn, type View } from './view.ts';

/** Milliseconds in which the kernel removes the links of a deleted namespace. */
const SETTLING = 300;

export async function examineKernelLeftovers(
  view: View,
  lost: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const spokenFor = (digits: string): boolean =>
    isAlive(view, digits) || [...lost].some((id) => id.startsWith(digits));
  const [links, ports] = await Promise.all([strayLinks(view, spokenFor), strayPorts(view, lost)]);
  return [
    ...strayBridges(view),
    ...strayNamespaces(spokenFor),
    ...links,
    ...ports,
    ...strayGroups(spokenFor),
    ...strayMounts(view, lost),
  ];
}

type Known = (digits: string) => boolean;

/** Another process may have been faster than the repair. */
async function perform(argv: Argv): Promise<void> {
  await performHostCommand({ kind: 'run', argv });
}

function removable(id: string, what: string, means: string, argv: Argv): Finding {
  return { id, level: 'warning', what, means, todo: [renderArgv(argv)], mend: () => perform(argv) };
}

/** Reported, not repaired: an idle network of another root looks the same. */
function strayBridges({ links, networks }: View): readonly Finding[] {
  return links
    .filter(
      ({ ifname }) =>
        /^mdb[0-9a-f]{12}$/.test(ifname) &&
        !networks.some(({ bridge }) => bridge === ifname) &&
        !links.some(({ master }) => master === ifname),
    )
    .map(({ ifname }) => ({
      id: `leftovers.bridge:${ifname}`,
      level: 'warning',
      what: `bridge ${ifname} belongs to no network of this root`,
      means: 'It belongs to another root (--root), or is left from a root whose files were removed.',
      todo: [`ip link delete ${ifname}`],
    }));
}

function strayNamespaces(known: Known): readonly Finding[] {
  return namesIn('/run/netns')
    .filter((name) => /^md-[0-9a-f]{12}$/.test(name) && !known(name.slice(3)))
    .map((name) => ({
      id: `leftovers.netns:${name}`,
      level: 'warning',
      what: `network namespace ${name} belongs to no container`,
      means: 'It holds its end of the cable, and its address does not answer.',
      todo: [`ip netns delete ${name}`],
      mend: () => performHostCommand({ kind: 'delete-netns', name }),
    }));
}

async function strayLinks(view: View, known: Known): Promise<readonly Finding[]> {
  // The host's end is named after the first eight digits of the container's id and four of this start.
  const isStray = (name: string): boolean => /^mdv[0-9a-f]{12}$/.test(name) && !known(name.slice(3, 11));
  if (!view.links.some(({ ifname }) => isStray(ifname))) return [];
  await delay(SETTLING);
  return (await readLinks())
    .filter(({ ifname }) => isStray(ifname))
    .map(({ ifname }) =>
      removable(
        `leftovers.link:${ifname}`,
        `cable ${ifname} belongs to no container`,
        'It occupies a port of the bridge.',
        ['ip', 'link', 'delete', ifname],
      ),
    );
}

async function strayPorts(view: View, lost: ReadonlySet<string>): Promise<readonly Finding[]> {
  const subnets = view.networks.flatMap(({ subnet }) => parseCidr(subnet) ?? []);
  const isStray = (address: string): boolean => {
    const number = parseIpv4(address);
    const owner = view.leases.get(address) ?? '';
    const ours = number !== undefined && subnets.some((block) => contains(block, number));
    return ours && !view.alive.has(owner) && !lost.has(owner);
  };
  const tell = (port: string, target: string, argv: Argv): Finding =>
    removable(
      `leftovers.port:${port}`,
      `port ${port} is still redirected to ${target}, but no container is there`,
      'Connections to it hang, and clients do not reach a program of this host that listens there.',
      argv,
    );
  return [
    ...publishedElements(view.table)
      .filter(({ address }) => isStray(address))
      .map(({ map, key, address, port }) =>
        tell(key.join(':'), `${address}:${port}`, [
          'nft',
          ...['delete', 'element', 'ip', NFT_TABLE, map, `{ ${key.join(' . ')} }`],
        ]),
      ),
    ...publishedRules(await look(['iptables-save']))
      .filter(({ address }) => isStray(address))
      .map(({ protocol, firstPort, lastPort, target, words }) =>
        tell(`${protocol}:${firstPort}${lastPort === firstPort ? '' : `:${lastPort}`}`, target, [
          'iptables',
          '--wait',
          '-t',
          'nat',
          '-D',
          'MINIDOCK',
          ...words,
        ]),
      ),
  ];
}

function strayGroups(known: Known): readonly Finding[] {
  return groupDirectories().flatMap((parent) =>
    namesIn(parent)
      .filter((name) => /^[0-9a-f]{64}$/.test(name) && !known(name))
      .map((name): Finding => {
        const path = `${parent}/${name}`;
        const pids = processesIn(path);
        const id = `leftovers.cgroup:${path}`;
        if (pids.length === 0) {
          return {
            id,
            level: 'warning',
            what: `control group ${name.slice(0, 12)} in ${parent} belongs to no container`,
            means: 'It is empty, but the kernel keeps its counters in memory.',
            todo: [renderArgv(['rmdir', path])],
            mend: () => performHostCommand({ kind: 'rmdir', path }),
          };
        }
        return {
          id,
          level: 'problem',
          what: `${pids.length} processes of container ${name.slice(0, 12)} run on without a shim, in ${parent}`,
          means:
            'This root has no such container. It may belong to another root, whose commands would end it.',
          todo: [
            `ps -o pid,args -p ${pids.join(',')}`,
            `kill -KILL ${pids.join(' ')}`,
            renderArgv(['rmdir', path]),
          ],
        };
      }),
  );
}

function groupDirectories(): readonly string[] {
  try {
    return cgroupDirectories('/minidock', cgroupLayout());
  } catch {
    return []; // No control groups at all: kernel.ts reports that.
  }
}

function processesIn(directory: string): readonly string[] {
  try {
    return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // Removed since it was listed.
  }
}

/** A container's mounts live in its own mount namespace: one that the host sees is a leftover. */
function strayMounts({ store, alive }: View, lost: ReadonlySet<string>): readonly Finding[] {
  const { root, run } = store.paths;
  return parseMountinfo(readProcess('self', 'mountinfo')).flatMap(({ point: path }): readonly Finding[] => {
    const id = [root, run]
      .map((place) => `${place}/containers/`)
      .filter((place) => path.startsWith(place))
      .map((place) => path.slice(place.length).replace('.removing-', '').split('/')[0] ?? '')[0];
    if (id === undefined || alive.has(id) || lost.has(id)) return [];
    return [
      removable(
        `leftovers.mount:${path}`,
        `${path} is still mounted, but its container does not run`,
        'Its directory cannot be removed.',
        ['umount', '-l', path],
      ),
    ];
  });
}
