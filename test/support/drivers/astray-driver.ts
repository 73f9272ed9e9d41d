/**
 * Run by Bun as PID 1 of new namespaces: performs the steps of the bundle in DIR up to the one that checks them, with
 * one of them led astray, and prints what the check says of it, or nothing.
 *
 *   unshare --mount --uts --ipc --pid --fork bun astray-driver.ts DIR [skip STEP | cover PATH]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OciConfig } from '../../../runtime/bundle.ts';
import { containerSteps } from '../../../runtime/process/container-steps.ts';
import { newContext } from '../../../runtime/process/context.ts';
import { perform } from '../../../runtime/process/perform.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';

const [dir = '', how = '', what = ''] = process.argv.slice(2);
const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as OciConfig;
const context = newContext(kernel, config.process, undefined, config.root.path, -1);
for (const step of containerSteps(config, { cgroupProcs: [] })) {
  if (how === 'skip' && step.id === what) continue;
  if (step.id !== 'isolation.verify') {
    perform(step.command, context);
    continue;
  }
  if (how === 'cover') kernel.mount('tmpfs', what, 'tmpfs', 0, '');
  try {
    perform(step.command, context);
  } catch (error) {
    console.log((error as Error).message);
  }
  break;
}
