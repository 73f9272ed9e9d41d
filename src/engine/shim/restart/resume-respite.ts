/** A shim that was executed for the next run of its container, or woken up before it (respite.ts). */
import { examiner } from '../../state/examiner.ts';
import { rmSync } from 'node:fs';
import { heldLock } from '../../state/lock.ts';
import { containerRunDir } from '../../state/paths.ts';
import { ContainerStore } from '../../state/store.ts';
import { beginRun } from '../main.ts';
import { assembleShim } from '../context.ts';
import { takeOver } from '../sleep.ts';
import { isGivenUp, waitForRestart, type Respite } from './respite.ts';

export async function resumeRespite(text: string): Promise<void> {
  const { id, paths, lock, clients, due, delay } = takeOver<Respite>(text);
  const store = new ContainerStore(paths, examiner);
  const found = store.read(id);
  if (found === undefined || found.unreadable !== undefined) {
    // Nobody can tell what is to be started. The lock goes with this process.
    rmSync(containerRunDir(paths, id), { recursive: true, force: true });
    return;
  }
  const parts = assembleShim(store, found.config, heldLock(lock), delay);
  parts.clients.adopt(clients);
  if (Date.now() < due) waitForRestart(parts, due, delay);
  if (isGivenUp(paths, id)) {
    const { endRespite } = await import('../exit.ts');
    return endRespite(parts);
  }
  const attach = { stdin: false, stdout: false, stderr: false };
  await beginRun(parts, { id, ...paths, explain: false, attach }, 'again');
}
