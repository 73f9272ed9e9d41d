/**
 * Records the last owner of an address, so that the next owner does not get the last one's packets. Kept as the text
 * of a symbolic link, which takes no page of memory as a file would: the name of the host's end of the cable, with
 * `/quiet` behind it once a container has ended that never sent anything.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import type { NetworkState } from '../spec/container.ts';
import { endpointStates, ownAddresses } from '../spec/endpoints.ts';
import { cablesDir, type Paths } from '../state/paths.ts';

const QUIET = '/quiet';

const notePath = (paths: Paths, network: string, address: string): string =>
  join(cablesDir(paths), network, address);

/** The host's end of the last owner's cable; it may be gone. */
export const lastCable = (paths: Paths, network: string, address: string): string | undefined =>
  textOfLink(notePath(paths, network, address))?.replace(QUIET, '');

/**
 * A deleted namespace lives as long as a process is in it (nsenter), and on a busy host until the kernel frees it: it
 * stays on the bridge with an address that now belongs to another container. So remove the cable first. Flows stay
 * too: an answer to the last container would reach this one (runtime/syscall/conntrack.ts).
 */
export async function replaceCable(paths: Paths, endpoint: BridgeEndpoint): Promise<void> {
  for (const address of ownAddresses(endpoint)) await replaceCableAt(paths, endpoint, address);
}

async function replaceCableAt(
  paths: Paths,
  { network, hostVeth }: BridgeEndpoint,
  address: string,
): Promise<void> {
  const note = notePath(paths, network.id, address);
  const former = textOfLink(note);
  if (former !== undefined) {
    const cable = former.replace(QUIET, '');
    // Of every interface of this network namespace there is such a directory.
    const wasThere = existsSync(`/proc/sys/net/ipv4/conf/${cable}`);
    if (wasThere) await run('ip', 'link', 'delete', cable);
    if (!former.endsWith(QUIET) || wasThere) await forgetFlowsOf(address, network.bridge);
  }
  writeNote(note, hostVeth);
}

/**
 * Before its address is released: a container that sent no packet and got none on a published port left no flow, so
 * no one needs to look for it. `only`: the id of the one network that is meant.
 */
export function noteIfQuiet(paths: Paths, state: NetworkState, only?: string): void {
  for (const endpoint of endpointStates(state)) {
    const { network, hostVeth } = endpoint;
    if ((only !== undefined && network.id !== only) || !wasQuiet(hostVeth, state)) continue;
    for (const address of ownAddresses(endpoint))
      writeNote(notePath(paths, network.id, address), hostVeth + QUIET);
  }
}

/** While its cable is still there: a process may hold a socket of its namespace (cut-cable.ts) and still send. */
export function noteIfNotQuiet(paths: Paths, state: NetworkState): void {
  for (const endpoint of endpointStates(state)) {
    const { network, hostVeth } = endpoint;
    if (wasQuiet(hostVeth, state)) continue;
    for (const address of ownAddresses(endpoint)) {
      const note = notePath(paths, network.id, address);
      // Otherwise the address is another container's by now, or was not noted as quiet.
      if (textOfLink(note) === hostVeth + QUIET) writeNote(note, hostVeth);
    }
  }
}

/** The host's end receives what the container sends. */
function wasQuiet(hostVeth: string, state: NetworkState): boolean {
  const isPublished = state.ports.length > 0 && hostVeth === state.hostVeth;
  const counters = !isPublished ? ['rx_packets'] : ['rx_packets', 'tx_packets'];
  try {
    return counters.every(
      (counter) => readFileSync(`/sys/class/net/${hostVeth}/statistics/${counter}`, 'utf8') === '0\n',
    );
  } catch {
    return false; // It has gone, and what passed by it is not known.
  }
}

async function forgetFlowsOf(address: string, bridge: string): Promise<void> {
  const { forgetFlows } = await import('../../../runtime/syscall/conntrack.ts');
  let forgotten = 0;
  try {
    forgotten = forgetFlows({ address });
  } catch (error) {
    // A kernel that cannot be asked for its flows.
    if (!['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'].includes(errnoOf(error))) throw error;
  }
  // The kernel keeps their packets for up to three seconds until a neighbour answers for the address.
  if (forgotten > 0) await run('ip', 'neighbour', 'flush', 'to', address, 'dev', bridge);
}

async function run(...argv: [string, ...string[]]): Promise<void> {
  const { undoCommand } = await import('../../../runtime/plan/undo.ts');
  await undoCommand({ kind: 'run', argv });
}

function writeNote(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  symlinkSync(text, path);
}

function textOfLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
