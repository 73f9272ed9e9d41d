/**
 * An attacker's image as a Docker archive: a layer with busybox, the same for all of them, and one with what means
 * harm. Written byte by byte, since no tool writes some of it.
 */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { tarOf, type TestEntry } from '../support/images/tar-bytes.ts';
import type { HostileFile, HostileImage } from './case.ts';

export function hostileArchive(name: string, { files, config = {}, history = name }: HostileImage): Buffer {
  const layers = [busyboxLayer(), tarOf(...entriesOf(files))];
  const digests = layers.map((layer) => createHash('sha256').update(layer).digest('hex'));
  const configuration = JSON.stringify({
    created: '2026-01-01T00:00:00Z',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin'], ...config },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    // The names tell two images of the same content apart.
    history: layers.map((_, index) => ({ created_by: index === 0 ? name : history })),
  });
  const tars = digests.map((digest) => `${digest}.tar`);
  return tarOf(
    ...layers.map((layer, index) => ({ name: tars[index] ?? '', data: layer })),
    { name: 'config.json', data: configuration },
    {
      name: 'manifest.json',
      data: JSON.stringify([{ Config: 'config.json', RepoTags: [`${name}:latest`], Layers: tars }]),
    },
  );
}

let layer: Buffer | undefined;

const busyboxPath = (): string =>
  execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();

function busyboxLayer(): Buffer {
  if (layer !== undefined) return layer;
  const path = busyboxPath();
  const applets = execFileSync(path, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  layer = tarOf(
    { name: 'bin', type: '5' },
    { name: 'bin/busybox', data: readFileSync(path), mode: 0o755 },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet) => ({ name: `bin/${applet}`, type: '2', link: 'busybox' })),
    { name: 'tmp', type: '5', mode: 0o1777 },
  );
  return layer;
}

function entriesOf(files: HostileImage['files']): readonly TestEntry[] {
  const known = new Set(['bin', 'tmp', ...Object.keys(files).map(relative)]);
  const entries: TestEntry[] = [];
  for (const [path, file] of Object.entries(files)) {
    const name = relative(path);
    for (const parent of parentsOf(name)) {
      if (!known.has(parent)) entries.push({ name: parent, type: '5' });
      known.add(parent);
    }
    entries.push(entryOf(name, file));
  }
  return entries;
}

const relative = (path: string): string => path.replace(/^\/+|\/+$/g, '');

function parentsOf(name: string): readonly string[] {
  const parent = posix.dirname(name);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
}

function entryOf(name: string, file: HostileFile): TestEntry {
  if (typeof file === 'string') return { name, data: file };
  if ('link' in file) {
    const long = file.link.length > 100 ? { pax: { linkpath: file.link } } : {};
    return { name, type: '2', link: file.link.slice(0, 100), ...long };
  }
  if ('program' in file) return { name, data: readFileSync(busyboxPath()), mode: 0o755 };
  if ('text' in file) {
    const { text, ...metadata } = file;
    return { name, data: text, ...metadata };
  }
  if ('dir' in file) return { name, type: '5', mode: file.dir, uid: file.uid ?? 0 };
  if ('fifo' in file) return { name, type: '6', mode: file.fifo };
  const { device, major, minor, mode = 0o666 } = file;
  return { name, type: device === 'c' ? '3' : '4', major, minor, mode };
}
