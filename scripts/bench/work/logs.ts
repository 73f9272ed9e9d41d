/** A container's log: written as fast as a program can, also while a reader does not read; read whole and its end. */
import { byTurns, milliseconds, ofEach, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import type { Row } from '../row.ts';

const FEW = 1000;
const NAME = 'logs';

/** From the start of the container to its end, in the background all along. */
async function write(engine: Engine, count: number, container = NAME): Promise<number> {
  const run = ['run', '-d', '--name', container, 'bench', 'seq', '1', String(count)];
  return (await engine.time(run)).ms + (await engine.time(['wait', container])).ms;
}

const remove = (engine: Engine, ...containers: readonly string[]) =>
  engine.time([...engine.remove, ...containers]);

export async function logs({ scale, engines, minidock }: Bench): Promise<readonly Row[]> {
  const { logLines, slowRounds, rounds } = scale;
  const written: Record<string, number[]> = {};
  const read: Record<string, number[]> = {};
  let tail: Record<string, number[]> = {};
  for (let round = 0; round < slowRounds; round++) {
    for (const engine of engines) {
      (written[engine.name] ??= []).push(await write(engine, logLines));
      // Half a minute for a rival: once tells enough.
      if (round > 0 && engine !== minidock) continue;
      const all = engine.time(['logs', NAME], { discard: true });
      (read[engine.name] ??= []).push(await milliseconds(all));
    }
    if (round === 0) {
      await write(minidock, FEW, 'few');
      const end = (engine: Engine, container: string) =>
        milliseconds(engine.time(['logs', '--tail', '10', container]));
      tail = await byTurns(rounds, {
        ...ofEach(engines, (engine) => end(engine, NAME)),
        [`minidock of ${FEW} lines`]: () => end(minidock, 'few'),
      });
      await remove(minidock, 'few');
    }
    for (const engine of engines) await remove(engine, NAME);
  }
  const stalled = await byTurns(
    slowRounds,
    {
      minidock: () => writeWithStalledReader(minidock, logLines, 'reader'),
      'without it': () => writeWithStalledReader(minidock, logLines, 'none'),
    },
    { warmUp: false },
  );
  const lines = logLines.toLocaleString('en-US');
  const row = { unit: 'ms', better: 'lower' } as const;
  return [
    {
      ...row,
      id: 'log-write',
      title: `container writes ${lines} lines`,
      samples: written,
      targets: [{ factor: 1, against: ['podman'] }],
    },
    {
      ...row,
      id: 'log-stalled',
      title: `the same beside a \`logs -f\` that stands still`,
      samples: stalled,
      targets: [{ factor: 1.1, against: ['without it'] }],
    },
    {
      ...row,
      id: 'log-read',
      title: `logs, ${lines} lines`,
      samples: read,
      targets: [{ factor: 0.1, against: ['docker'] }],
    },
    {
      ...row,
      id: 'log-tail',
      title: `logs --tail 10 of ${lines} lines`,
      samples: tail,
      targets: [{ factor: 1.2, against: [`minidock of ${FEW} lines`] }],
    },
  ];
}

/** The reader follows from the first line on, and nobody takes what it prints. */
async function writeWithStalledReader(
  engine: Engine,
  count: number,
  who: 'reader' | 'none',
): Promise<number> {
  // The program waits for a file, so that the reader is there before the first line.
  const script = `until [ -e /tmp/go ]; do sleep 0.01; done; seq 1 ${count}`;
  await engine.time(['run', '-d', '--name', NAME, 'bench', 'sh', '-c', script]);
  const follow = [...engine.argv, 'logs', '-f', NAME];
  const reader =
    who === 'reader' ? engine.host.spawn(['sh', '-c', '"$@" | sleep 600', 'sh', ...follow]) : undefined;
  try {
    const from = performance.now();
    await engine.time(['exec', NAME, 'touch', '/tmp/go']);
    await engine.time(['wait', NAME]);
    return performance.now() - from;
  } finally {
    reader?.kill();
    await remove(engine, NAME);
  }
}
