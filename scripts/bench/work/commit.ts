/**
 * An image out of a container that wrote 100 MB, and its way to a registry that has all layers but that one. The data
 * is text in base64, of which gzip leaves three quarters, and new for each push, so that none is known from before.
 */
import { startRegistry, type TestRegistry } from '../../../test/support/images/registry.ts';
import { byTurns, milliseconds, ofEach, settle, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import { RIVALS, type Row } from '../row.ts';

const REGISTRY = '127.0.0.1:5000';
const BASE = `${REGISTRY}/written:base`;
const IMAGE = `${REGISTRY}/written:new`;
const NAME = 'writer';
const MEGABYTES = 100;

export async function commit(bench: Bench): Promise<readonly Row[]> {
  const { engines, scale } = bench;
  for (const engine of engines) await write(engine);
  const commits = await byTurns(
    scale.slowRounds,
    ofEach(engines, async (engine) => {
      await settle(bench);
      const took = await milliseconds(engine.time(['commit', NAME, IMAGE]));
      await engine.time(['rmi', IMAGE]);
      return took;
    }),
  );
  const registries: TestRegistry[] = [];
  try {
    for (const engine of engines) {
      await engine.time([...engine.remove, NAME]);
      registries.push(await startRegistry(engine.host, { address: REGISTRY }));
      await engine.time(['tag', 'bench', BASE]);
      await engine.time([...engine.push, BASE]);
    }
    const pushes = await byTurns(
      scale.slowRounds,
      ofEach(engines, (engine) => pushNew(bench, engine)),
      { warmUp: false },
    );
    for (const engine of engines) await engine.time(['rmi', BASE]);
    const row = { unit: 'ms', better: 'lower', targets: [{ factor: 0.5, against: RIVALS }] } as const;
    return [
      { ...row, id: 'commit', title: `commit of a container that wrote ${MEGABYTES} MB`, samples: commits },
      { ...row, id: 'push', title: `push of one new layer of ${MEGABYTES} MB`, samples: pushes },
    ];
  } finally {
    for (const registry of registries) await registry.stop();
  }
}

/** It has ended when it is committed: Docker and minidock pause one that runs, Podman does not. */
async function write(engine: Engine): Promise<void> {
  const script = `head -c ${(MEGABYTES * 1e6 * 3) / 4} /dev/urandom | base64 >/written`;
  await engine.time(['run', '--name', NAME, 'bench', 'sh', '-c', script]);
}

async function pushNew(bench: Bench, engine: Engine): Promise<number> {
  await write(engine);
  await engine.time(['commit', NAME, IMAGE]);
  await engine.time([...engine.remove, NAME]);
  await settle(bench);
  const took = await milliseconds(engine.time([...engine.push, IMAGE]));
  await engine.time(['rmi', IMAGE]);
  return took;
}
