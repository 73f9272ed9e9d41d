/** How cost grows with size, each with its slope. What does not grow has an exponent near 0. */
import { join } from 'node:path';
import { tarOf } from '../../test/support/images/oci-layout.ts';
import { byTurns, milliseconds, names, type Bench } from './bench.ts';
import type { Engine } from './engine.ts';
import { makeLayeredImage } from './images.ts';
import { percentile, type Point } from './statistics.ts';
import type { Growth } from './table.ts';
import type { Unit } from './row.ts';

const TAKES = 5;

/** A median of a few. */
async function cost(engine: Engine, args: readonly string[]): Promise<number> {
  const samples = await byTurns(TAKES, { it: () => milliseconds(engine.time(args, { discard: true })) });
  return percentile(samples['it'] ?? [], 0.5);
}

type Measure = (bench: Bench, quick: boolean) => Promise<readonly Growth[]>;

/** By what a cost may grow with. */
export const GROWTHS: Readonly<Record<string, Measure>> = {
  containers: (bench, quick) => byContainers(bench, quick ? [1, 10, 20] : [1, 10, 100, 500]),
  ports: (bench, quick) => byPorts(bench, quick ? [1, 10, 100] : [1, 10, 100, 1000, 4000]),
  layers: (bench, quick) => byLayers(bench, quick ? [1, 10] : [1, 10, 50, 100]),
  lines: (bench, quick) => byLogLines(bench, quick ? [1e3, 1e4, 1e5] : [1e3, 1e4, 1e5, 1e6, 1e7]),
  images: (bench, quick) => byImages(bench, quick ? [1, 10, 20] : [1, 10, 100, 500]),
};

/** Collects points by title for one subject, minidock. */
function collect(unit: Unit) {
  const byTitle: Record<string, Point[]> = {};
  return {
    add: (title: string, size: number, value: number) =>
      void (byTitle[title] ??= []).push({ size, cost: value }),
    growths: (): Growth[] =>
      Object.entries(byTitle).map(([title, points]) => ({
        title,
        unit,
        points: { minidock: points.sort((a, b) => a.size - b.size) },
      })),
  };
}

async function byContainers({ minidock }: Bench, sizes: readonly number[]): Promise<Growth[]> {
  const { add, growths } = collect('ms');
  const all = names('growth', sizes.at(-1) ?? 0);
  let running = 0;
  for (const size of sizes) {
    for (; running < size; running++) {
      await minidock.time(['run', '-d', '--name', all[running] ?? '', 'bench', 'sleep', '3600']);
    }
    add('run --rm, by containers running', size, await cost(minidock, ['run', '--rm', 'bench', 'true']));
    add('ps, by containers running', size, await cost(minidock, ['ps']));
    add('inspect, by containers running', size, await cost(minidock, ['inspect', all[0] ?? '']));
  }
  for (const size of [...sizes].reverse()) {
    // All from this size up to where the one before ended; the last to go is alone.
    const going = all.slice(sizes[sizes.indexOf(size) - 1] ?? 0, size);
    const { ms } = await minidock.time([...minidock.remove, ...going], { timeout: 300_000 });
    add('rm -f, each, by containers running', size, ms / going.length);
  }
  return growths();
}

async function byPorts({ minidock }: Bench, sizes: readonly number[]): Promise<Growth[]> {
  const { add, growths } = collect('ms');
  for (const size of sizes) {
    const range = `20000-${20_000 + size - 1}`;
    add(
      'run --rm, by ports it publishes',
      size,
      await cost(minidock, ['run', '--rm', '-p', `${range}:${range}`, 'bench', 'true']),
    );
    await minidock.time([
      'run',
      '-d',
      '--name',
      'ports',
      '-p',
      `${range}:${range}`,
      'bench',
      'sleep',
      '3600',
    ]);
    add(
      'run --rm -p, by ports published',
      size,
      await cost(minidock, ['run', '--rm', '-p', '8080:80', 'bench', 'true']),
    );
    await minidock.time([...minidock.remove, 'ports']);
  }
  return growths();
}

async function byLayers({ minidock, rootfs }: Bench, sizes: readonly number[]): Promise<Growth[]> {
  const { add, growths } = collect('ms');
  for (const size of sizes) {
    const archive = await makeLayeredImage(minidock.host.dir, rootfs, size);
    await minidock.time(['load', '-i', archive]);
    add('run --rm, by layers', size, await cost(minidock, ['run', '--rm', `layers${size}`, 'true']));
  }
  return growths();
}

async function byLogLines({ minidock }: Bench, sizes: readonly number[]): Promise<Growth[]> {
  const { add, growths } = collect('ms');
  for (const size of sizes) {
    const run = ['run', '-d', '--name', 'growth', 'bench', 'seq', '1', String(size)];
    const started = await milliseconds(minidock.time(run));
    add(
      'a container writes, by lines',
      size,
      started + (await milliseconds(minidock.time(['wait', 'growth']))),
    );
    add('logs, by lines', size, await milliseconds(minidock.time(['logs', 'growth'], { discard: true })));
    add('logs --tail 10, by lines', size, await cost(minidock, ['logs', '--tail', '10', 'growth']));
    await minidock.time([...minidock.remove, 'growth']);
  }
  return growths();
}

async function byImages({ minidock }: Bench, sizes: readonly number[]): Promise<Growth[]> {
  const { add, growths } = collect('ms');
  const archive = join(minidock.host.dir, 'imported.tar');
  let present = 1;
  for (const size of sizes) {
    for (; present < size; present++) {
      await Bun.write(archive, tarOf('file', String(present)));
      await minidock.time(['import', archive, `imported:${present}`]);
    }
    add('images, by images', size, await cost(minidock, ['images']));
    add('run --rm, by images', size, await cost(minidock, ['run', '--rm', 'bench', 'true']));
  }
  return growths();
}
