/**
 * What the containers are made of: `bench`, one small layer with Debian's static busybox, made at each run; and
 * `large`, a Debian with nginx and a compiler in three layers of much the same size, about 400 MB unpacked, with a
 * sibling that shares all of it but for one more small layer. The large one is kept below /var/tmp for a month.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf, writeLayout } from '../../test/support/images/oci-layout.ts';
import { runProgram } from '../../test/support/host/processes.ts';

const CACHE = '/var/tmp/minidock-test-cache';
const VERSION = 3;
const PACKAGES = 'nginx-light,iperf3,git,gcc,libc6-dev,python3';
const ENV = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];

/** A docker-archive of `bench:latest`, and the root file system it holds. */
export async function makeSmallImage(dir: string): Promise<{ archive: string; rootfs: string }> {
  const rootfs = join(dir, 'rootfs');
  const script = `
    mkdir -p "$0/bin" "$0/proc" "$0/sys" "$0/dev" "$0/tmp" "$0/etc"
    cp "$(command -v busybox)" "$0/bin/busybox"
    for applet in $("$0/bin/busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$0/bin/$applet"; done
    tar --create --file "$0.tar" --directory "$0" --owner=0 --group=0 .`;
  await must(['sh', '-euc', script, rootfs]);
  const config = { Cmd: ['sh'], Env: ['PATH=/bin'] };
  const layout = writeLayout(`${rootfs}.layout`, [{ layers: [readFileSync(`${rootfs}.tar`)], config }]);
  return { archive: await archiveOf(layout, dir, 'bench'), rootfs };
}

/** A docker-archive of an image with so many layers, each with one file of its own on top of busybox. */
export async function makeLayeredImage(dir: string, rootfs: string, count: number): Promise<string> {
  const upper = Array.from({ length: count - 1 }, (_, i) => tarOf(`layer-${i}`, String(i)));
  const layers = [readFileSync(`${rootfs}.tar`), ...upper];
  const layout = writeLayout(join(dir, `layout-${count}`), [
    { layers, config: { Cmd: ['sh'], Env: ['PATH=/bin'] } },
  ]);
  return archiveOf(layout, dir, `layers${count}`);
}

async function archiveOf(layout: string, dir: string, name: string): Promise<string> {
  const archive = join(dir, `${name}.tar`);
  const skopeo = ['skopeo', '--insecure-policy', 'copy', '--quiet'];
  await must([...skopeo, layout, `docker-archive:${archive}:${name}:latest`]);
  return archive;
}

export interface LargeImage {
  /** skopeo's names of the two layouts. */
  readonly first: string;
  readonly second: string;
  /** The compressed layers of the first, for tar. */
  readonly layers: readonly string[];
}

/** Out of the cache, else made, which takes a minute or two and a package mirror. */
export async function largeImage(): Promise<LargeImage> {
  const month = Math.floor(Date.now() / (30 * 24 * 3600 * 1000));
  const directory = join(CACHE, `bench-${month}-${VERSION}`);
  if (!existsSync(directory)) await makeLargeImage(directory);
  const manifest = JSON.parse(readFileSync(join(directory, 'layers.json'), 'utf8')) as readonly string[];
  return {
    first: `oci:${directory}/first:latest`,
    second: `oci:${directory}/second:latest`,
    layers: manifest.map((digest) => join(directory, 'first/blobs/sha256', digest.replace('sha256:', ''))),
  };
}

async function makeLargeImage(directory: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    if (name.startsWith('bench-')) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
  const work = mkdtempSync(join(CACHE, 'bench-'));
  try {
    const root = join(work, 'root');
    await must(
      ['mmdebstrap', '--quiet', '--variant=minbase', `--include=${PACKAGES}`, 'trixie', root],
      300_000,
    );
    const script = `
      cd "$0"
      rm -rf var/cache/apt/* var/lib/apt/lists/*
      tar -cf ../1.tar --numeric-owner usr/lib/*-linux-gnu
      tar -cf ../2.tar --numeric-owner usr/libexec usr/bin usr/sbin
      tar -cf ../3.tar --numeric-owner --no-wildcards-match-slash --exclude=./usr/lib/*-linux-gnu --exclude=./usr/libexec --exclude=./usr/bin --exclude=./usr/sbin .`;
    await must(['sh', '-euc', script, root], 120_000);
    const layers = [1, 2, 3].map((i) => readFileSync(join(work, `${i}.tar`)));
    const config = { Cmd: ['nginx', '-g', 'daemon off;'], Env: ENV, ExposedPorts: { '80/tcp': {} } };
    writeLayout(join(work, 'first'), [{ layers, config }]);
    writeLayout(join(work, 'second'), [
      { layers: [...layers, tarOf('srv/second', 'a small layer')], config },
    ]);
    for (const name of ['root', '1.tar', '2.tar', '3.tar']) rmSync(join(work, name), { recursive: true });
    await writeLayerList(work);
    renameSync(work, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function writeLayerList(work: string): Promise<void> {
  const index = JSON.parse(readFileSync(join(work, 'first/index.json'), 'utf8')) as {
    manifests: { digest: string }[];
  };
  const digest = index.manifests[0]?.digest.replace('sha256:', '') ?? '';
  const manifest = JSON.parse(readFileSync(join(work, 'first/blobs/sha256', digest), 'utf8')) as {
    layers: { digest: string }[];
  };
  await Bun.write(join(work, 'layers.json'), JSON.stringify(manifest.layers.map((layer) => layer.digest)));
}

async function must(argv: readonly string[], timeout = 60_000): Promise<void> {
  const { exitCode, stderr } = await runProgram(argv, { timeout });
  if (exitCode !== 0) throw new Error(`${argv.slice(0, 4).join(' ')}: ${stderr}`);
}
