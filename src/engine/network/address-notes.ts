/**
 * Who had an address last, so that the next one to have it does not get what is meant for that one. Kept as the text of
 * a symbolic link, which takes no page of memory as a file would: the name of the host's end of the cable, with `/quiet`
 * behind it once a container has ended that never sent anything.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BridgeEndpoint } from '../../../runtime/network/types.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import type { NetworkState } from '../spec/container.ts';
import { endpointStates } from '../spec/endpoints.ts';
import { cablesDir, type Paths } from '../state/paths.ts';

const QUIET = '/quiet';

const notePath = (paths: Paths, network: string, address: string): string =>
  join(cablesDir(paths), network, address);

/** The host's end of the cable of whoever had the address last, which may be there no more. */
export const lastCable = (paths: Paths, network: string, address: string): string | undefined =>
  textOfLink(notePath(paths, network, address))?.replace(QUIET, '');

/**
 * A deleted namespace lives on while somebody is in it (nsenter), and on a busy host until the kernel gets round to it:
 * plugged into the bridge, with an address that is another container's by now. So the cable is taken out first. Flows
 * live on, too: what somebody answers to the last container would be let in to this one (runtime/syscall/conntrack.ts).
 */
export async function replaceCable(
  paths: Paths,
  { network, address, hostVeth }: BridgeEndpoint,
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
 * Before its address is given back: a container that never sent a packet, nor was sent one on a published port, has left
 * no flow, and nobody needs to look for it.
 */
export function noteIfQuiet(paths: Paths, state: NetworkState): void {
  for (const { network, address, hostVeth } of endpointStates(state)) {
    if (wasQuiet(hostVeth, state)) writeNote(notePath(paths, network.id, address), hostVeth + QUIET);
  }
}

/** While its cable is still there: somebody may have a socket of its namespace (cut-cable.ts), and sends after all. */
export function noteIfNotQuiet(paths: Paths, state: NetworkState): void {
  for (const { network, address, hostVeth } of endpointStates(state)) {
    if (wasQuiet(hostVeth, state)) continue;
    const note = notePath(paths, network.id, address);
    // Otherwise the address is another container's by now, or was not noted as quiet.
    if (textOfLink(note) === hostVeth + QUIET) writeNote(note, hostVeth);
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
  // Packets of theirs wait for up to three seconds for somebody to answer for the address.
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
