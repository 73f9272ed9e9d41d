/** The torture suite as a program: each round on a host of its own, one after the other, then the figures. */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { damage } from './rounds/damage.ts';
import { fullDisk } from './rounds/full-disk.ts';
import { kills } from './rounds/kills.ts';
import { atOnce, runs } from './rounds/many.ts';
import { steps } from './rounds/steps.ts';
import { Torture, type Round } from './torture.ts';

const ROUNDS: readonly Round[] = [kills, steps, damage, runs, atOnce, fullDisk];

const print = (line: string): void => void writeSync(1, `${line}\n`);

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      short: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e6)) },
      only: { type: 'string', default: '' },
    },
  });
  const only = values.only.split(',').filter(Boolean);
  print(`seed ${values.seed}`);
  let faults = 0;
  let [leaks, lies] = [0, 0];
  for (const round of ROUNDS) {
    if (only.length > 0 && !only.includes(round.name)) continue;
    const begin = performance.now();
    const torture = await Torture.begin(Number(values.seed));
    try {
      const { counts } = await round.run(torture, values.short ? round.shortSize : round.size);
      const seconds = ((performance.now() - begin) / 1000).toFixed(0);
      for (const [what, count] of Object.entries(counts))
        print(`${String(count).padStart(6)} ${what} (${seconds} s)`);
    } finally {
      await torture.host.dispose();
    }
    for (const leak of torture.leaks) print(`leak: ${leak}`);
    for (const lie of torture.lies) print(`lie: ${lie.replaceAll(/\s*\n\s*/g, ' | ').slice(0, 400)}`);
    leaks += torture.leaks.length;
    lies += torture.lies.length;
    faults += torture.leaks.length + torture.lies.length;
  }
  print(`${String(leaks)} leaks, ${String(lies)} lies`);
  return faults === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    writeSync(2, `torture: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(2);
  },
);
