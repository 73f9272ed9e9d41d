/** For tests of what a killed process leaves behind (images/store/owner.ts). */
import { spawnSync } from 'node:child_process';

/** The tag of a process that lived and is gone. */
export function deadOwner(): string {
  const { stdout } = spawnSync('sh', ['-c', 'cut -d " " -f 1,22 /proc/$$/stat | tr " " .'], {
    encoding: 'utf8',
  });
  return `${stdout.trim()}.1`;
}
