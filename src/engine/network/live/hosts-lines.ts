/**
 * The container's own address in its /etc/hosts, put there and taken out while it runs. The file is mounted into the
 * container, which may write to it what it likes, so it is changed in place, and only by whole lines of ours. Names come
 * second to cables: what goes wrong here stops nobody.
 */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ownLine } from '../../../../runtime/network/hosts.ts';
import { warnStderr } from '../../../io/warn-stderr.ts';
import type { ContainerConfig } from '../../spec/container.ts';
import { readAtMost } from '../../state/atomic-file.ts';
import { containerDir, type Paths } from '../../state/paths.ts';

/** Larger ones are left alone. */
const LARGEST = 1 << 20;

export const withAddress = (paths: Paths, config: ContainerConfig, address: string): void =>
  change(paths, config, (text) => {
    const line = ownLine(address, config.spec);
    return text.includes(line) ? text : `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}`;
  });

export const withoutAddress = (paths: Paths, config: ContainerConfig, address: string): void =>
  change(paths, config, (text) => {
    const line = ownLine(address, config.spec).trimEnd();
    return text
      .split('\n')
      .filter((one) => one !== line)
      .join('\n');
  });

function change(paths: Paths, { id }: ContainerConfig, edit: (text: string) => string): void {
  const path = join(containerDir(paths, id), 'hosts');
  try {
    const text = readAtMost(path, LARGEST);
    if (text === undefined) throw new Error('it is larger than 1 MB');
    overwrite(path, edit(text));
  } catch (error) {
    warnStderr(`${path} keeps the addresses it had: ${(error as Error).message}`);
  }
}

/** Without waiting for a program that holds a lease on it (fcntl(2), F_SETLEASE). */
export function overwrite(path: string, text: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, written);
    ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}
