/** The command itself: its size, and how long it takes to say what it can do. */
import { statSync } from 'node:fs';
import { byTurns, milliseconds, ofEach, type Bench } from '../bench.ts';
import type { Row } from '../row.ts';

export async function executable({ scale, engines, minidock }: Bench): Promise<readonly Row[]> {
  const size = statSync(minidock.argv[0] ?? '').size / 1e6;
  const samples = await byTurns(
    scale.rounds,
    ofEach(engines, (engine) => milliseconds(engine.time(['--help']))),
  );
  return [
    { id: 'help', title: '--help', unit: 'ms', better: 'lower', samples, targets: [{ limit: 10 }] },
    {
      id: 'size',
      title: 'size of the executable',
      unit: 'MB',
      better: 'lower',
      samples: { minidock: [size] },
      targets: [],
    },
  ];
}
