/** Images whose configuration says what no builder would let it say: a docker-archive made by hand, and loaded. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestEngine } from '../engine.ts';
import { succeed } from './image.ts';

export interface HostileImage {
  /** The members of `config`: Cmd, Env, … */
  readonly config: Readonly<Record<string, unknown>>;
  /** Of the whole: author, history, … */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Tar archives on top of busybox. */
  readonly layers?: readonly Buffer[];
}

/** Loads it as `name`, over the layer of the image `test`. */
export async function loadHostile(
  engine: TestEngine,
  name: string,
  { config, more = {}, layers = [] }: HostileImage,
): Promise<void> {
  const { dir } = engine.host;
  const work = join(dir, 'hostile-archive');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  const tars = [readFileSync(join(dir, 'image-rootfs.tar')), ...layers];
  const files = tars.map((tar, index) => {
    writeFileSync(join(work, `${index}.tar`), tar);
    return `${index}.tar`;
  });
  const whole = {
    created: '2026-01-01T00:00:00Z',
    os: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    ...more,
    config,
    rootfs: {
      type: 'layers',
      diff_ids: tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
    },
  };
  writeFileSync(join(work, 'config.json'), JSON.stringify(whole));
  const manifest = [{ Config: 'config.json', RepoTags: [`${name}:latest`], Layers: files }];
  writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
  await succeed(engine.host.run(['tar', '-C', work, '-cf', `${work}.tar`, '.']));
  await engine.ok('load', '-q', '-i', `${work}.tar`);
}
