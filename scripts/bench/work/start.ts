/** Containers that come and go: `run --rm`, alone and many at once, beside the same steps in plain shell. */
import { byTurns, milliseconds, ofEach, type Bench } from '../bench.ts';
import { RIVALS, type Row } from '../row.ts';

export async function start(bench: Bench): Promise<readonly Row[]> {
  const { scale, engines, floor } = bench;
  const targets = [
    { factor: 0.2, against: RIVALS },
    { factor: 1.3, against: ['shell'] },
  ];
  const plain = await byTurns(scale.rounds, {
    ...ofEach(engines, (engine) => milliseconds(engine.time(['run', '--rm', 'bench', 'true']))),
    shell: () => milliseconds(floor.run(['true'])),
  });
  const published = await byTurns(scale.rounds, {
    ...ofEach(engines, (engine) =>
      milliseconds(engine.time(['run', '--rm', '-p', '8080:80', 'bench', 'true'])),
    ),
    shell: () => milliseconds(floor.run(['-p', '8080:80', 'true'])),
  });
  return [
    {
      id: 'run-rm',
      title: 'run --rm IMG true',
      unit: 'ms',
      better: 'lower',
      samples: plain,
      targets,
    },
    {
      id: 'run-rm-p',
      title: 'run --rm -p 8080:80 IMG true',
      unit: 'ms',
      better: 'lower',
      samples: published,
      targets,
    },
  ];
}

export async function atOnce(bench: Bench): Promise<readonly Row[]> {
  const count = bench.scale.atOnce;
  const samples: Record<string, number[]> = {};
  for (let round = 0; round < bench.scale.slowRounds; round++) {
    for (const engine of bench.engines) {
      const run = ['run', '--rm', 'bench', 'true'];
      try {
        const { ms } = await engine.time(run, { atOnce: count });
        (samples[engine.name] ??= []).push((count * 1000) / ms);
      } catch (error) {
        // A rival that cannot do it has no figure, which is a result too; minidock must be able to.
        if (engine === bench.minidock) throw error;
        bench.say(`at-once: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return [
    {
      id: 'at-once',
      title: `${count} run --rm at once`,
      unit: 'per s',
      better: 'higher',
      samples,
      targets: [{ factor: 3, against: ['docker'] }],
    },
  ];
}
