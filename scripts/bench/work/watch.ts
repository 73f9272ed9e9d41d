/**
 * A hundred containers under observation: `stats --no-stream` of all of them, and `events` in twenty terminals.
 *
 * What `stats` prints is not measured the same way: Docker waits for a second sample of each container, a second later;
 * minidock takes two a quarter of a second apart; Podman takes one and tells the average since the start.
 */
import { resolve } from 'node:path';
import { byTurns, milliseconds, names, ofEach, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import type { FanOut, FanOutRequest } from '../fan-out.ts';
import { RIVALS, type Row } from '../row.ts';

const FOLLOWERS = 20;
const FAN_OUT = resolve(import.meta.dirname, '../fan-out.ts');

export async function watch({ scale, engines }: Bench): Promise<readonly Row[]> {
  const all = names('watched', scale.watched);
  for (const name of all) {
    for (const engine of engines) await engine.time(['run', '-d', '--name', name, 'bench', 'sleep', '3600']);
  }
  const stats = await byTurns(
    scale.slowRounds,
    ofEach(engines, (engine) => milliseconds(engine.time(['stats', '--no-stream']))),
  );
  const late: Record<string, number[]> = {};
  const lines = await byTurns(
    scale.networkRounds,
    ofEach(engines, async (engine) => {
      const { fromStart, fromReturn } = await fanOut(engine, all);
      (late[engine.name] ??= []).push(fromReturn);
      return fromStart;
    }),
    { warmUp: false },
  );
  for (const engine of engines) await engine.time([...engine.remove, ...all]);
  const row = { unit: 'ms', better: 'lower' } as const;
  const target = [{ factor: 0.5, against: RIVALS }];
  return [
    {
      ...row,
      id: 'stats',
      title: `stats --no-stream, ${scale.watched} running`,
      samples: stats,
      targets: target,
    },
    {
      ...row,
      id: 'events',
      title: `from the start of kill to its line at the last of ${FOLLOWERS} events`,
      samples: lines,
      targets: target,
    },
    {
      ...row,
      id: 'events-late',
      title: 'the same from the end of kill',
      samples: late,
      // A daemon tells its followers before it answers: a ratio to what is next to nothing says nothing.
      targets: [],
    },
  ];
}

async function fanOut(engine: Engine, [first = '', second = '']: readonly string[]): Promise<FanOut> {
  const request: FanOutRequest = {
    follow: [...engine.argv, 'events', '--filter', 'event=kill'],
    followers: FOLLOWERS,
    // A signal that no program takes for an order: the container stays.
    kill: [...engine.argv, 'kill', '--signal', 'URG'],
    first,
    second,
  };
  const { output } = await engine.timeProgram([process.execPath, FAN_OUT, JSON.stringify(request)]);
  return JSON.parse(output) as FanOut;
}
