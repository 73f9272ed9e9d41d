/** A shim that has slept (sleep.ts) goes on where it was. */
import { waitForChild } from '../../../runtime/syscall/descriptors.ts';
import { heldLock } from '../lock.ts';
import { ContainerStore, noSuchContainer } from '../store.ts';
import { assembleShim } from './parts.ts';
import { serve } from './serve.ts';
import { patienceAfter, rest, takeOver } from './sleep.ts';

export async function resumeShim(handover: string): Promise<void> {
  const { id, paths, first, lock, clients, stdio, ports, patience, asleep } = takeOver(handover);
  const store = new ContainerStore(paths);
  const config = store.read(id)?.config;
  // Removed behind our back: with no record there is nothing to say, and recovery.ts undoes what the journal lists.
  if (config === undefined) throw noSuchContainer(id);
  const parts = assembleShim(store, config, heldLock(lock));
  parts.clients.adopt(clients);
  parts.stdio.adopt(stdio);
  const slept = Date.now() - asleep;
  try {
    serve(parts, first, ports, rest(parts, first, ports, patienceAfter({ patience, slept })));
    const exitCode = waitForChild(first.pid);
    const { finish } = await import('./ending.ts');
    await finish(parts, ports, exitCode);
  } catch (error) {
    const { fail } = await import('./ending.ts');
    await fail(parts, ports, error);
  }
}
