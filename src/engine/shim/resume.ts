/** Resumes a shim after hibernation (sleep.ts). */
import { examiner } from '../state/examiner.ts';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '../../../runtime/plan/journal.ts';
import { undoJournal } from '../../../runtime/plan/undo.ts';
import { waitForChild } from '../../../runtime/syscall/descriptors.ts';
import { heldLock } from '../state/lock.ts';
import { containerRunDir } from '../state/paths.ts';
import { releaseNetwork } from '../network/release-network.ts';
import { ContainerStore, noSuchContainer } from '../state/store.ts';
import { assembleShim, type ShimContext } from './context.ts';
import { serveAndWork } from './serve-and-work.ts';
import { patienceAfter, takeOver, type Handover } from './sleep.ts';

export async function resumeShim(text: string): Promise<void> {
  const handover = takeOver(text);
  const { first, clients, stdio, names, patience, asleep } = handover;
  let { ports } = handover;
  const parts = await reassemble(handover);
  try {
    parts.clients.adopt(clients);
    parts.stdio.adopt(stdio);
    if (names !== undefined) parts.names.adopt(names);
    if (handover.relays !== undefined) parts.relays.adopt(handover.relays);
    const slept = Date.now() - asleep;
    const probes = handover.probes && (await import('./health/probes.ts')).Probes.of(parts, handover.probes);
    const next = patienceAfter({ patience, slept });
    await serveAndWork(parts, first, ports, next, (held) => (ports = held), probes, handover);
    const exitCode = waitForChild(first.pid);
    const { finish } = await import('./exit.ts');
    await finish(parts, ports, exitCode);
  } catch (error) {
    const { fail } = await import('./exit.ts');
    await fail(parts, ports, error);
  }
}

/** Another program removed the container's directory: end the container, since no command can find it any more. */
async function reassemble({ id, paths, lock, ports, stdio, restartDelay }: Handover): Promise<ShimContext> {
  const store = new ContainerStore(paths, examiner);
  try {
    const found = store.read(id);
    if (found === undefined) throw noSuchContainer(id);
    const { config, unreadable } = found;
    if (unreadable === undefined) return assembleShim(store, config, heldLock(lock), restartDelay);
    // How its program is connected is known all the same.
    const spec = { ...config.spec, tty: stdio.terminal !== undefined, openStdin: stdio.stdin !== undefined };
    return assembleShim(store, { ...config, spec }, heldLock(lock), restartDelay);
  } catch (error) {
    await undoJournal(new Journal(join(containerRunDir(paths, id), 'journal')));
    releaseNetwork(paths, id, ports);
    rmSync(containerRunDir(paths, id), { recursive: true, force: true });
    throw error;
  }
}
