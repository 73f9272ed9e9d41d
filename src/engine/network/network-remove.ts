/**
 * `network rm`, and what a prune does to each network. The definition goes after everything else: a kill in between
 * leaves a network that can be used, or removed again. A network that containers run in stays; the leases of their
 * addresses say which.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf } from '../../../images/foreign/kept.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { networkParts } from '../../../runtime/network/firewall/backend.ts';
import type { BridgeNetwork } from '../../../runtime/network/types.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { holds } from '../../../runtime/plan/perform-host.ts';
import { StepError } from '../../../runtime/plan/step-error.ts';
import type { HostStep, Step } from '../../../runtime/plan/step.ts';
import { undoCommand } from '../../../runtime/plan/undo.ts';
import { DEFAULT_NETWORK } from '../spec/endpoints.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { networkEvent } from '../state/events/events.ts';
import { definitionPath, findNetwork, lockNetworks, noSuchNetwork } from '../state/networks.ts';
import { cablesDir, dnsDir, leasesDir, networksDir, type Paths } from '../state/paths.ts';
import { performFileStep, type FileStep } from '../state/perform-file.ts';
import { performStep } from '../state/perform-step.ts';

export const PREDEFINED = [DEFAULT_NETWORK, 'host', 'none', 'default'];

interface NetworkRemoval {
  readonly network: BridgeNetwork;
  readonly host: readonly HostStep[];
  readonly files: readonly FileStep[];
}

/** The network that was removed. @throws MinidockError as planNetworkRemoval, 'NETWORK_NOT_REMOVED', 'STEP_FAILED'. */
export async function removeNetwork(
  paths: Paths,
  reference: string,
  tell: (steps: readonly Step[]) => void = () => undefined,
): Promise<BridgeNetwork> {
  const lock = lockNetworks(paths);
  try {
    const { network, host, files } = await plan(paths, reference);
    tell([...host, ...files]);
    const failed = await takeDown(host);
    const failures = failed.length > 0 ? failed : await withdraw(network, host);
    if (failures.length > 0) {
      throw new MinidockError({
        code: 'NETWORK_NOT_REMOVED',
        message: `error while removing network ${network.name}: ${failures.join('; ')}`,
        hint: 'The network is still listed: fix that, then remove it again.',
      });
    }
    files.forEach(performFileStep);
    recordEvent(paths, networkEvent(network, 'destroy'));
    return network;
  } finally {
    lock.release();
  }
}

/** Nothing is touched. @throws MinidockError 'NO_SUCH_NETWORK', 'NETWORK_PREDEFINED', 'NETWORK_IN_USE'. */
export async function planNetworkRemoval(paths: Paths, reference: string): Promise<readonly Step[]> {
  const { host, files } = await plan(paths, reference);
  return [...host, ...files];
}

async function plan(paths: Paths, reference: string): Promise<NetworkRemoval> {
  if (PREDEFINED.includes(reference) && reference !== 'default') throw predefined(reference);
  const network = findNetwork(paths, reference);
  if (network === undefined) throw noSuchNetwork(reference);
  if (network.name === DEFAULT_NETWORK) throw predefined(network.name);
  if (endpointsOf(paths, network).length > 0) {
    throw new MinidockError({
      code: 'NETWORK_IN_USE',
      message: `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
      hint: `Stop the containers in it first: minidock ps --filter network=${network.name}`,
    });
  }
  return { network, host: await planHost(network), files: planFiles(paths, network) };
}

/** What the kernel has of it. */
async function planHost(network: BridgeNetwork): Promise<readonly HostStep[]> {
  const { bridge } = network;
  const parts: Argv[] = [];
  for (const { check, remove } of networkParts(network)) {
    if (await holds({ kind: 'run', argv: check ?? asking(remove) })) parts.push(remove);
  }
  const undo = { kind: 'none', why: 'network create makes it again' } as const;
  return [
    ...parts.map((argv, index): HostStep => ({
      id: `firewall.withdraw:${String(index + 1)}`,
      section: 'nat',
      title:
        argv[0] === 'nft'
          ? `Take the network out of the firewall’s set ${argv[5] ?? ''}`
          : `Remove a rule of the network: ${argv.slice(2).join(' ')}`,
      why: 'The rules of the firewall serve all networks of minidock; what is of this one alone names its bridge or its subnet.',
      without: 'The next network that gets the subnet meets rules that were made for this one.',
      command: { kind: 'run', argv },
      undo,
      observe: argv[0] === 'nft' ? ['nft', 'list', 'set', ...argv.slice(3, 6)] : [argv[0], '-S'],
    })),
    ...(existsSync(`/sys/class/net/${bridge}`)
      ? [
          {
            id: 'bridge.delete',
            section: 'bridge',
            title: `Delete the bridge ${bridge}`,
            why: 'No cable is plugged in any more. Its address goes with it, and with that the route to the subnet.',
            without: 'The host goes on to answer for the gateway, and the subnet stays taken.',
            command: { kind: 'run', argv: ['ip', 'link', 'delete', bridge] },
            undo,
            observe: ['ip', 'link', 'show', 'type', 'bridge'],
          } as const,
        ]
      : []),
  ];
}

/** The same words, asking instead. */
const asking = ([program, , ...rest]: Argv): Argv => [program, 'get', ...rest];

function planFiles(paths: Paths, network: BridgeNetwork): readonly FileStep[] {
  const definition = definitionPath(paths, network);
  const dirs = [leasesDir(paths), cablesDir(paths), dnsDir(paths)].map((dir) => join(dir, network.id));
  return [
    {
      id: 'network.forget-use',
      section: 'files',
      title: 'Delete the directories of its addresses and names',
      why: 'Each container in it had a file there for its address, its cable and its names. All have gone.',
      without: 'Empty directories pile up below the run directory.',
      command: { kind: 'remove-trees', paths: dirs },
      undo: { kind: 'none', why: 'the first container of a network makes them' },
      observe: ['ls', leasesDir(paths)],
    },
    {
      id: 'network.forget',
      section: 'files',
      title: `Delete the definition of ${network.name}`,
      why: 'The network is there as long as this file is, also after a reboot. It goes last: after a kill the network can be removed again.',
      without: 'network ls would list it, and its name and subnet would stay taken.',
      // The copy first: alone it would look like a definition that is lost.
      command: { kind: 'remove-trees', paths: [copyOf(definition), definition] },
      undo: { kind: 'none', why: 'network create makes another one of the same name' },
      observe: ['ls', networksDir(paths)],
    },
  ];
}

/** Goes on after failures, and returns their messages. */
async function takeDown(steps: readonly HostStep[]): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const step of steps) {
    try {
      await performStep(step, async () => {
        const failure = await undoCommand(step.command);
        if (failure !== undefined) throw new StepError(step, new Error(failure));
      });
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

/** Removes everything of it from the host but for what is done, whatever was found there; missing counts as removed. */
export async function withdraw(
  network: BridgeNetwork,
  done: readonly HostStep[] = [],
): Promise<readonly string[]> {
  const failures: string[] = [];
  const before = new Set(done.map(({ command }) => JSON.stringify(command)));
  const takeAway = async (argv: Argv): Promise<void> => {
    const command = { kind: 'run', argv } as const;
    if (before.has(JSON.stringify(command))) return;
    const failure = await undoCommand(command);
    if (failure !== undefined) failures.push(failure);
  };
  for (const { check, remove } of networkParts(network)) {
    if (check === undefined || (await holds({ kind: 'run', argv: check }))) await takeAway(remove);
  }
  await takeAway(['ip', 'link', 'delete', network.bridge]);
  return failures;
}

const predefined = (name: string): MinidockError =>
  new MinidockError({
    code: 'NETWORK_PREDEFINED',
    message: `${name} is a pre-defined network and cannot be removed`,
  });

/** Addresses that are leased. */
function endpointsOf(paths: Paths, { id }: BridgeNetwork): readonly string[] {
  try {
    return readdirSync(join(leasesDir(paths), id)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
