/** A large image from a registry on loopback, and then one that shares nearly all of it. */
import { startRegistry } from '../../../test/support/images/registry.ts';
import { milliseconds, settle, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import { largeImage, type LargeImage } from '../images.ts';
import type { Row } from '../row.ts';

const REGISTRY = '127.0.0.1:5000';
export const LARGE = `${REGISTRY}/large:first`;
const NEXT = `${REGISTRY}/large:second`;

export async function pull(bench: Bench): Promise<readonly Row[]> {
  const image = await largeImage();
  const firsts: Record<string, number[]> = { 'tar -xzf': [] };
  const seconds: Record<string, number[]> = {};
  for (const engine of bench.engines) await withRegistry(engine, image, () => Promise.resolve());
  for (let round = 0; round < bench.scale.slowRounds; round++) {
    for (const engine of bench.engines) {
      await withRegistry(engine, image, async () => {
        await settle(bench);
        (firsts[engine.name] ??= []).push(await milliseconds(engine.time([...engine.pull, LARGE])));
        (seconds[engine.name] ??= []).push(await milliseconds(engine.time([...engine.pull, NEXT])));
      });
      await engine.time(['rmi', '-f', LARGE, NEXT]);
    }
    firsts['tar -xzf']?.push(await extract(bench, image, round));
  }
  const row = { unit: 'ms', better: 'lower' } as const;
  return [
    {
      ...row,
      id: 'pull',
      title: 'pull of a large image, registry on loopback',
      samples: firsts,
      targets: [
        { factor: 0.6, against: ['docker'] },
        { factor: 1, against: ['tar -xzf'] },
      ],
    },
    {
      ...row,
      id: 'pull-shared',
      title: 'pull of one that shares all but a small layer',
      samples: { ...seconds, "minidock's first pull": firsts['minidock'] ?? [] },
      targets: [{ factor: 0.1, against: ["minidock's first pull"] }],
    },
  ];
}

/** Puts the image into every engine. */
export async function installLarge(bench: Bench): Promise<void> {
  const image = await largeImage();
  for (const engine of bench.engines) {
    await withRegistry(engine, image, async () => void (await engine.time([...engine.pull, LARGE])));
  }
}

/** In the engine's own host, with both images in it; it keeps them from one time to the next. */
async function withRegistry(engine: Engine, image: LargeImage, use: () => Promise<void>): Promise<void> {
  const registry = await startRegistry(engine.host, { address: REGISTRY });
  try {
    await registry.push(image.first, 'large:first');
    await registry.push(image.second, 'large:second');
    await use();
  } finally {
    await registry.stop();
  }
}

/**
 * Plain tar, all layers at once: the least that unpacking can take with the usual tools. ext4 looks for each new file
 * past all that were deleted near it in the last minutes: so each round has a directory of its own, in another part of
 * the disk (chattr +T), which stays until the end.
 */
async function extract(bench: Bench, image: LargeImage, round: number): Promise<number> {
  const target = `${bench.floor.host.dir}/extracted-${round}`;
  const script = `
    mkdir "$0"
    chattr +T "$0" 2>/dev/null || :
    i=0
    for layer in "$@"; do
      i=$((i + 1)); mkdir "$0/$i"
      tar -xzf "$layer" -C "$0/$i" & all="$all $!"
    done
    for pid in $all; do wait "$pid"; done`;
  await settle(bench);
  const took = await milliseconds(
    bench.floor.timeProgram(['sh', '-ec', `all=; ${script}`, target, ...image.layers]),
  );
  return took;
}
