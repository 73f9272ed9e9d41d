/** Every kind of file that minidock keeps, and every way in which a disk, a full file system or a hand ruins one. */
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHost } from './host/host.ts';

export const DAMAGES = ['truncated', 'garbage', 'wrong shape', 'missing'] as const;
export type Damage = (typeof DAMAGES)[number];

/** Of a container. Those of a run are there while it runs. */
export const CONTAINER_FILES = ['config', 'state', 'name'] as const;
export const RUN_FILES = ['journal', 'bundle', 'socket', 'lease'] as const;
export type ContainerFile = (typeof CONTAINER_FILES)[number] | (typeof RUN_FILES)[number];

export function containerFile(host: TestHost, id: string, name: string, file: ContainerFile): string {
  const dir = join(host.root, 'containers', id);
  const run = join(host.runDir, 'containers', id);
  switch (file) {
    case 'config':
      return join(dir, 'config.json');
    case 'state':
      return join(dir, 'state.json');
    case 'name':
      return join(host.root, 'names', name);
    case 'journal':
      return join(run, 'journal');
    case 'bundle':
      return join(run, 'bundle', 'config.json');
    case 'socket':
      return join(run, 'shim.sock');
    case 'lease':
      return leaseOf(host, id);
  }
}

function leaseOf(host: TestHost, id: string): string {
  const dir = join(host.runDir, 'leases');
  const leases = readdirSync(dir).flatMap((network) =>
    readdirSync(join(dir, network)).map((address) => join(dir, network, address)),
  );
  const own = leases.find((path) => readFileSync(path, 'utf8') === id);
  if (own === undefined) throw new Error(`${id} leases no address`);
  return own;
}

/** What all containers share: definitions of networks, volumes, the list of images and the record of each layer. */
export function sharedFiles(host: TestHost): readonly string[] {
  const below = (dir: string, file = ''): readonly string[] =>
    readdirSync(join(host.root, dir))
      .filter((name) => !name.startsWith('.'))
      .map((name) => join(host.root, dir, name, file));
  return [
    ...below('networks'),
    ...below('volumes', 'volume.json'),
    ...below('images/layers', 'layer.json'),
    join(host.root, 'images', 'images.json'),
  ];
}

/** Ruins the file and gives back what was in it; undefined for a socket. */
export function ruin(path: string, damage: Damage): string | undefined {
  const before = lstatSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  if (before === undefined || damage === 'missing') rmSync(path);
  if (damage === 'truncated') writeFileSync(path, (before ?? '').slice(0, (before ?? '').length / 3));
  if (damage === 'garbage') writeFileSync(path, Buffer.from(`\xff\0${'\x9c{'.repeat(40)}\n`, 'latin1'));
  if (damage === 'wrong shape') writeFileSync(path, '{"id":7,"images":{}}\n');
  return before;
}
