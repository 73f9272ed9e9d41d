/** A flat apt repository with one small made-up package in it, whose script tries what packages' scripts do. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { succeed } from './image.ts';
import { runProgram } from '../host/processes.ts';

const CONTROL = `Package: made-up
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: package for tests
`;
const POSTINST = `#!/bin/bash
set -e
cat <(echo from a pipe)
[ -t 1 ] && echo on a terminal
echo as $(id -un)
chown root:mail /usr/bin/made-up
chmod 2755 /usr/bin/made-up
install -d -o www-data -g games -m 4750 /var/lib/made-up
`;
const FILES: Readonly<Record<string, { readonly text: string; readonly mode: number }>> = {
  'DEBIAN/control': { text: CONTROL, mode: 0o644 },
  'DEBIAN/conffiles': { text: '/etc/made-up.conf\n', mode: 0o644 },
  'DEBIAN/postinst': { text: POSTINST, mode: 0o755 },
  'usr/bin/made-up': { text: '#!/bin/sh\necho made up\n', mode: 0o755 },
  'etc/made-up.conf': { text: 'setting=1\n', mode: 0o640 },
};

/** Fills `dir`, which exists, with the package, Packages and Release. */
export async function makeAptRepository(dir: string): Promise<void> {
  const tree = join(dir, 'tree');
  for (const [path, { text, mode }] of Object.entries(FILES)) {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  }
  const package_ = join(dir, 'made-up.deb');
  await succeed(runProgram(['dpkg-deb', '--root-owner-group', '--build', tree, package_]));
  const packages = `${CONTROL}Filename: ./made-up.deb\n${describeFile(package_)}\n`;
  writeFileSync(join(dir, 'Packages'), packages);
  const { size, sum } = sumOf(join(dir, 'Packages'));
  writeFileSync(
    join(dir, 'Release'),
    `Date: ${new Date().toUTCString()}\nSHA256:\n ${sum} ${String(size)} Packages\n`,
  );
}

function describeFile(file: string): string {
  const { size, sum } = sumOf(file);
  return `Size: ${String(size)}\nSHA256: ${sum}\n`;
}

function sumOf(file: string): { readonly size: number; readonly sum: string } {
  const bytes = readFileSync(file);
  return { size: bytes.length, sum: createHash('sha256').update(bytes).digest('hex') };
}
