/** Enters a mount namespace for a moment, in which a thread begins; prints whether it came back. */
import { readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { inOwnNamespace } from '../../../src/build/execute/merged.ts';

const here = (): string => readlinkSync('/proc/self/ns/mnt');
const before = here();
const inside = inOwnNamespace(() => {
  new Worker('setInterval(() => 0, 1000)', { eval: true }).unref();
  return here();
});
process.stdout.write(`${String(inside !== before)} ${String(here() === before)}\n`);
process.exit(0);
