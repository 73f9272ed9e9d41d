/** Two hundred containers: whether the last starts as the first did, and whether asking about them costs more. */
import { byTurns, milliseconds, names, ofEach, type Bench } from '../bench.ts';
import type { Row } from '../row.ts';

const FEW = 20;
/** Starts that make one figure, at either end. */
const SAMPLE = 10;

export async function many(bench: Bench): Promise<readonly Row[]> {
  const { scale } = bench;
  const engines = bench.engines.filter(({ name }) => name !== 'podman');
  const all = names('many', scale.many);
  const starts: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  const ask = async (args: readonly string[]) =>
    byTurns(
      scale.rounds,
      ofEach(engines, (engine) => milliseconds(engine.time(args))),
    );
  const atFew: Record<string, Record<string, number[]>> = {};
  const commands = { ps: ['ps'], inspect: ['inspect', all[0] ?? ''] };
  for (const [i, name] of all.entries()) {
    for (const engine of engines) {
      const run = ['run', '-d', '--name', name, 'bench', 'sleep', '3600'];
      starts[engine.name]?.push(await milliseconds(engine.time(run)));
    }
    if (i + 1 === FEW) {
      for (const [command, args] of Object.entries(commands)) atFew[command] = await ask(args);
    }
  }
  const rows: Row[] = [];
  for (const [command, args] of Object.entries(commands)) {
    rows.push({
      id: `${command}-many`,
      title: `${command}, ${scale.many} running`,
      unit: 'ms',
      better: 'lower',
      samples: { ...(await ask(args)), [`minidock with ${FEW}`]: atFew[command]?.['minidock'] ?? [] },
      targets: [
        { factor: 0.6, against: ['docker'] },
        { factor: 1.5, against: [`minidock with ${FEW}`] },
      ],
    });
  }
  for (const engine of engines) await engine.time([...engine.remove, ...all]);
  const ends = Object.entries(starts).flatMap(([name, list]) => [
    [name, list.slice(-SAMPLE)],
    [`${name}'s first`, list.slice(0, SAMPLE)],
  ]);
  rows.unshift({
    id: 'start-many',
    title: `run -d, the last ${SAMPLE} of ${scale.many}`,
    unit: 'ms',
    better: 'lower',
    samples: Object.fromEntries(ends) as Record<string, number[]>,
    targets: [{ factor: 1.2, against: ["minidock's first"] }],
  });
  return rows;
}
