/** Twenty containers with a published port each: starting, asking, entering, what they weigh, and removing them. */
import { byTurns, milliseconds, names, ofEach, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import { residentMegabytes } from '../memory.ts';
import { RIVALS, type Row } from '../row.ts';

const COUNT = 20;
const all = names('twenty', COUNT);

export async function twenty(bench: Bench): Promise<readonly Row[]> {
  const { scale, engines } = bench;
  const starts: Record<string, number[]> = {};
  const removals: Record<string, number[]> = {};
  const memory: Record<string, number[]> = {};
  const resident: Record<string, number[]> = {};
  let asked: readonly Row[] = [];
  for (let round = 0; round < scale.slowRounds; round++) {
    const before = await weigh(engines);
    for (const [i, name] of all.entries()) {
      for (const engine of engines) {
        const run = ['run', '-d', '--name', name, '-p', `${8000 + i}:80`, 'bench', 'sleep', '3600'];
        (starts[engine.name] ??= []).push(await milliseconds(engine.time(run)));
      }
    }
    const after = await weigh(engines);
    for (const { name } of engines) {
      (memory[name] ??= []).push(((after[name] ?? 0) - (before[name] ?? 0)) / COUNT);
      (resident[name] ??= []).push(before[name] ?? 0);
    }
    if (round === 0) asked = await ask(bench);
    for (const engine of engines) {
      const remove = engine.time([...engine.remove, ...all]);
      (removals[engine.name] ??= []).push((await milliseconds(remove)) / COUNT);
    }
  }
  return [
    {
      id: 'run-d-p',
      title: `run -d -p, ${COUNT} in a row, each`,
      unit: 'ms',
      better: 'lower',
      samples: starts,
      targets: [{ factor: 0.25, against: RIVALS }],
    },
    ...asked,
    {
      id: 'rm-f',
      title: `rm -f of ${COUNT} running, each`,
      unit: 'ms',
      better: 'lower',
      samples: removals,
      targets: [{ factor: 0.35, against: RIVALS }],
    },
    {
      id: 'memory',
      title: 'memory per idle published container (PSS)',
      unit: 'MB',
      better: 'lower',
      samples: memory,
      targets: [{ limit: 4 }, { factor: 1, against: ['podman'] }],
    },
    {
      id: 'resident',
      title: 'memory with no container at all: daemons and files (PSS)',
      unit: 'MB',
      better: 'lower',
      samples: resident,
      // No process, and the files of the run directory: the log of events, which is bounded.
      targets: [{ limit: 0.1 }],
    },
  ];
}

async function ask({ scale, engines }: Bench): Promise<readonly Row[]> {
  const time = (args: readonly string[]) =>
    byTurns(
      scale.rounds,
      ofEach(engines, (engine) => milliseconds(engine.time(args))),
    );
  const row = { unit: 'ms', better: 'lower' } as const;
  const asDocker = [{ factor: 0.6, against: ['docker'] }];
  return [
    {
      ...row,
      id: 'exec',
      title: 'exec C true',
      samples: await time(['exec', all[0] ?? '', 'true']),
      targets: [{ factor: 0.33, against: ['docker'] }],
    },
    { ...row, id: 'ps', title: `ps, ${COUNT} running`, samples: await time(['ps']), targets: asDocker },
    {
      ...row,
      id: 'inspect',
      title: `inspect C, ${COUNT} running`,
      samples: await time(['inspect', all[0] ?? '']),
      targets: asDocker,
    },
  ];
}

/** All at once: what takes time is waiting for them to come to rest. */
async function weigh(engines: readonly Engine[]): Promise<Record<string, number>> {
  const weights = engines.map(async ({ name, host }) => [name, await residentMegabytes(host)] as const);
  return Object.fromEntries(await Promise.all(weights));
}
