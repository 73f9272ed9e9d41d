/**
 * A real image: Debian with nginx, made by mmdebstrap out of the machine's own package mirror, and wired the way the
 * images on Docker Hub are: the access log a link to /dev/stdout, SIGQUIT to stop. It comes out of a real registry.
 *
 * Making it takes half a minute and the network, so the layout that skopeo pushes is kept below /var/tmp, under a
 * name made of this week and of all that goes into it; a test that needs it while it is made waits.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestHost } from '../host/host.ts';
import { succeed } from './image.ts';
import { writeLayout } from './oci-layout.ts';
import { runProgram, startProgram, waitFor } from '../host/processes.ts';
import { startRegistry } from './registry.ts';

const CACHE = '/var/tmp/minidock-test-cache';
const SUITE = 'trixie';
const PACKAGES = ['nginx-light', 'procps', 'vim-tiny'];
/** Making and pulling it, on a slow mirror and a busy machine. */
export const DEBIAN_TIMEOUT = 300_000;

/** Links by path, as the official image has them, so that `minidock logs` shows what nginx writes to files. */
const LINKS = { 'var/log/nginx/access.log': '/dev/stdout', 'var/log/nginx/error.log': '/dev/stderr' };
/** The last layer: Debian's own site goes, by a whiteout, and ours comes. */
const SITE = {
  'etc/nginx/sites-enabled/.wh.default': '',
  'etc/nginx/conf.d/site.conf': `server {
  listen 80;
  root /srv/www;
  location = /version { return 200 "one\\n"; }
  location = /slow { limit_rate 100k; try_files /large =404; }
}
`,
  'srv/www/index.html': '<h1>hello from Debian</h1>\n',
  'srv/www/large': 'x'.repeat(150_000),
};
const CONFIG = {
  Cmd: ['nginx', '-g', 'daemon off;'],
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ExposedPorts: { '80/tcp': {} },
  StopSignal: 'SIGQUIT',
};

/** The image as `debian` in the host's store, pulled from a registry that is gone again when this returns. */
export async function installDebian(host: TestHost): Promise<void> {
  const layout = await debianLayout();
  const registry = await startRegistry(host);
  try {
    await registry.push(`oci:${layout}:latest`, 'debian:nginx');
    const remote = `${registry.address}/debian:nginx`;
    await succeed(host.minidock('pull', remote));
    await succeed(host.minidock('tag', remote, 'debian'));
  } finally {
    await registry.stop();
  }
}

async function debianLayout(): Promise<string> {
  const parts = [SUITE, PACKAGES, LINKS, SITE, CONFIG];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
  const week = Math.floor(Date.now() / (7 * 24 * 3600 * 1000));
  const layout = join(CACHE, `debian-${String(week)}-${hash}`);
  mkdirSync(CACHE, { recursive: true });
  // Let go when its input closes, thus also when the test runner dies.
  const lock = startProgram(['flock', join(CACHE, 'lock'), 'sh', '-c', 'echo locked; exec cat']);
  try {
    await waitFor(() => lock.output().includes('locked'), 'another test to make the image', DEBIAN_TIMEOUT);
    if (!existsSync(layout)) await makeLayout(layout);
    return layout;
  } finally {
    lock.child.stdin?.end();
    await lock.exited;
  }
}

async function makeLayout(layout: string): Promise<void> {
  for (const name of readdirSync(CACHE)) {
    if (name.startsWith('debian-')) rmSync(join(CACHE, name), { recursive: true });
  }
  const work = mkdtempSync(join(CACHE, 'debian-'));
  const base = join(work, 'base.tar');
  const include = `--include=${PACKAGES.join(',')}`;
  const make = ['mmdebstrap', '--quiet', '--variant=minbase', include, SUITE, base];
  await succeed(runProgram(make, { timeout: DEBIAN_TIMEOUT }));
  const links = join(work, 'links');
  for (const [path, target] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(links, path)), { recursive: true });
    symlinkSync(target, join(links, path));
  }
  const site = join(work, 'site');
  for (const [path, text] of Object.entries(SITE)) {
    mkdirSync(dirname(join(site, path)), { recursive: true });
    writeFileSync(join(site, path), text);
  }
  const layers = [readFileSync(base), await tarOfTree(links), await tarOfTree(site)];
  writeLayout(join(work, 'layout'), [{ layers, config: CONFIG }]);
  renameSync(join(work, 'layout'), layout);
  rmSync(work, { recursive: true });
}

async function tarOfTree(dir: string): Promise<Buffer> {
  const owners = ['--owner=0', '--group=0'];
  await succeed(runProgram(['tar', '--create', `--file=${dir}.tar`, ...owners, `--directory=${dir}`, '.']));
  return readFileSync(`${dir}.tar`);
}
