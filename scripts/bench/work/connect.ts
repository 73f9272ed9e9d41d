/** A running container joins one more network and leaves it again. */
import { byTurns, milliseconds, ofEach, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import { RIVALS, type Row } from '../row.ts';

const NAME = 'plugged';
const HOME = 'home';
const OTHER = 'other';

export async function connect({ scale, engines }: Bench): Promise<readonly Row[]> {
  for (const engine of engines) {
    await engine.time(['network', 'create', HOME]);
    await engine.time(['network', 'create', OTHER]);
    await engine.time(['run', '-d', '--name', NAME, '--network', HOME, 'bench', 'sleep', '3600']);
  }
  const join = (engine: Engine) => milliseconds(engine.time(['network', 'connect', OTHER, NAME]));
  const leave = (engine: Engine) => milliseconds(engine.time(['network', 'disconnect', OTHER, NAME]));
  const joins = await byTurns(
    scale.rounds,
    ofEach(engines, async (engine) => {
      const took = await join(engine);
      await leave(engine);
      return took;
    }),
  );
  const leaves = await byTurns(
    scale.rounds,
    ofEach(engines, async (engine) => {
      await join(engine);
      return leave(engine);
    }),
  );
  for (const engine of engines) {
    await engine.time([...engine.remove, NAME]);
    await engine.time(['network', 'rm', HOME, OTHER]);
  }
  const row = { unit: 'ms', better: 'lower', targets: [{ factor: 0.5, against: RIVALS }] } as const;
  return [
    { ...row, id: 'connect', title: 'network connect, a running container', samples: joins },
    { ...row, id: 'disconnect', title: 'network disconnect', samples: leaves },
  ];
}
