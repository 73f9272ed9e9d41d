/** Compressions that Node does not have, by the programs of that name. */
import { execFileSync } from 'node:child_process';

export const xzSync = (bytes: Buffer): Buffer => execFileSync('xz', ['-c'], { input: bytes });
export const bzip2Sync = (bytes: Buffer): Buffer => execFileSync('bzip2', ['-c'], { input: bytes });
