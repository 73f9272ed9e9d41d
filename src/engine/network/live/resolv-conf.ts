/** A container gets a resolver while it runs: its resolv.conf names it then, unless the container has changed the file. */
import { join } from 'node:path';
import { warnStderr } from '../../../io/warn-stderr.ts';
import type { ContainerConfig } from '../../spec/container.ts';
import { readAtMost } from '../../state/atomic-file.ts';
import { containerDir, type Paths } from '../../state/paths.ts';
import { networkFiles } from '../network-files.ts';
import { overwrite } from './hosts-lines.ts';

const LARGEST = 1 << 16;

export function nameResolver(paths: Paths, config: ContainerConfig): void {
  const path = join(containerDir(paths, config.id), 'resolv.conf');
  const text = (named: boolean): string =>
    networkFiles(paths, config, { addresses: [], gateway: '', named })['resolv.conf'];
  try {
    if (readAtMost(path, LARGEST) === text(false)) overwrite(path, text(true));
  } catch (error) {
    warnStderr(`${path} keeps the name servers it had: ${(error as Error).message}`);
  }
}
