/** Room where images and containers are kept, in bytes and in files: a full disk stops containers in odd ways. */
import { statfsSync } from 'node:fs';
import { quoteWord } from '../../../runtime/plan/quote.ts';
import type { Paths } from '../../engine/state/paths.ts';
import type { Container } from '../../engine/state/store.ts';
import { ok, type Finding } from './finding.ts';
import { existing } from './kernel.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export function examineDisk({ root, run }: Paths, containers: readonly Container[]): readonly Finding[] {
  const places = [examinePlace('root', root, GIB), examinePlace('run', run, 16 * MIB)];
  return [...places, ...containers.flatMap(examineLog)];
}

function examineLog({ config: { name }, state: { logLoss } }: Container): readonly Finding[] {
  if (logLoss === undefined) return [];
  const { bytes, since, reason } = logLoss;
  return [
    {
      id: `disk.log:${name}`,
      level: 'warning',
      what: `${String(bytes)} bytes that ${name} wrote are not in its log, since ${since}: ${reason}`,
      means: 'They are lost. The log gets a line in their place once there is room for it.',
      todo: [
        `minidock logs --since ${since} ${name}`,
        'Free space; the next start of the container clears this warning.',
      ],
    },
  ];
}

/** @param little warns below this many bytes; a tenth of it is a problem */
function examinePlace(name: 'root' | 'run', path: string, little: number): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(existing(path));
  const free = bavail * bsize;
  const what = `${inUnits(free)} free in ${path}`;
  // Some file systems have no fixed number of files, and say 0.
  const noFiles = files > 0 && ffree < 1000;
  if (free >= little && !noFiles) return ok(`disk.${name}`, what);
  return {
    id: `disk.${name}`,
    level: noFiles || free < little / 10 ? 'problem' : 'warning',
    what: noFiles ? `only ${String(ffree)} more files can be made in ${path}` : `only ${what}`,
    means: 'Images cannot be unpacked, containers cannot write, and logs end.',
    todo: [
      'minidock ps -a; minidock rm NAME',
      'minidock images; minidock rmi NAME',
      `df -h ${quoteWord(path)}; df -i ${quoteWord(path)}`,
    ],
  };
}

const inUnits = (bytes: number): string =>
  bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${(bytes / MIB).toFixed(0)} MiB`;
