/**
 * A Debian with the compilers and interpreters of real projects, as a tar of its files: made by mmdebstrap out of the
 * machine's own package mirror (some minutes, 1.5 GB) and kept below /var/tmp under a name made of its packages.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { succeed } from '../images/image.ts';
import { runProgram } from '../host/processes.ts';

const CACHE = '/var/tmp/minidock-test-cache';
const SUITE = 'trixie';
const PACKAGES = [
  ...[
    'nodejs',
    'python3',
    'python3-venv',
    'golang-go',
    'default-jdk-headless',
    'php-cli',
    'nginx-light',
    'ruby',
  ],
  ...['gcc', 'libc6-dev', 'make', 'dpkg-dev', 'perl', 'curl', 'ca-certificates'],
];
export const DEV_TIMEOUT = 900_000;

export async function devImage(): Promise<string> {
  const hash = createHash('sha256')
    .update(JSON.stringify([SUITE, PACKAGES]))
    .digest('hex')
    .slice(0, 12);
  const file = join(CACHE, `dev-${hash}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  const work = join(CACHE, `.dev-${String(process.pid)}.tar`);
  const smaller = ['doc', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const make = [
    'mmdebstrap',
    '--quiet',
    '--variant=apt',
    `--include=${PACKAGES.join(',')}`,
    ...smaller,
    SUITE,
    work,
  ];
  await succeed(runProgram(make, { timeout: DEV_TIMEOUT }));
  renameSync(work, file);
  return file;
}
