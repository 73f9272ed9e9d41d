/** The benchmark from end to end: options, engines, one work after the other, then table, JSON and picture. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { startBench, type Bench } from './bench.ts';
import { renderChart } from './chart.ts';
import { GROWTHS } from './growth.ts';
import { parseOptions, type Options } from './options.ts';
import type { Row } from './row.ts';
import { renderGrowth, renderSummary, renderTable, type Growth } from './table.ts';
import { build } from './work/build.ts';
import { buildDebian } from './work/build-debian.ts';
import { commit } from './work/commit.ts';
import { connect } from './work/connect.ts';
import { copy } from './work/copy.ts';
import { dns } from './work/dns.ts';
import { executable } from './work/executable.ts';
import { logs } from './work/logs.ts';
import { many } from './work/many.ts';
import { network } from './work/network.ts';
import { pull } from './work/pull.ts';
import { atOnce, start } from './work/start.ts';
import { twenty } from './work/twenty.ts';
import { watch } from './work/watch.ts';

const WORKS: Readonly<Record<string, (bench: Bench) => Promise<readonly Row[]>>> = {
  executable,
  start,
  twenty,
  'at-once': atOnce,
  many,
  pull,
  logs,
  network,
  connect,
  dns,
  copy,
  commit,
  build,
  'build-debian': buildDebian,
  watch,
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Results {
  readonly rows: readonly Row[];
  readonly growths: readonly Growth[];
  readonly failures: readonly string[];
}

async function measure(options: Options): Promise<Results> {
  const rows: Row[] = [];
  const failures: string[] = [];
  const growths: Growth[] = [];
  const bench = await startBench(options, say);
  /** One that fails takes nothing from the others, but the run has failed. */
  const attempt = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const from = performance.now();
    try {
      await work();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    say(`${name}: ${((performance.now() - from) / 1000).toFixed(1)} s`);
  };
  try {
    say(`measuring ${bench.engines.map(({ name }) => name).join(', ')}`);
    for (const [name, work] of Object.entries(WORKS).filter(([name]) => options.only.includes(name))) {
      await attempt(name, async () => rows.push(...(await work(bench))));
    }
    for (const [name, measureOne] of Object.entries(GROWTHS).filter(([name]) =>
      options.growth.includes(name),
    )) {
      const quick = options.scale.name === 'quick';
      await attempt(`growth with ${name}`, async () => growths.push(...(await measureOne(bench, quick))));
    }
  } finally {
    await bench.dispose();
  }
  return { rows, growths, failures };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), Object.keys(WORKS), Object.keys(GROWTHS));
  const { rows, growths, failures } = await measure(options);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  const date = new Date().toISOString().slice(0, 10);
  const { rounds, slowRounds } = options.scale;
  const caption = `${machine}; ${date}; medians (10th–90th percentile) of ${rounds} rounds, ${slowRounds} of what is slow`;
  const parts = rows.length === 0 ? [caption] : [caption, renderTable(rows), renderSummary(rows)];
  if (growths.length > 0) parts.push(renderGrowth(growths));
  const report = `${parts.join('\n\n')}\n`;
  process.stdout.write(report);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'bench.md'), report);
  writeFileSync(
    join(options.out, 'bench.json'),
    JSON.stringify({ machine, date, scale: options.scale, rows, growths }, null, 2),
  );
  writeFileSync(join(options.out, 'bench.svg'), renderChart(rows, caption));
  say(`${options.out}/bench.md, bench.json, bench.svg`);
  for (const failure of failures) say(`FAILED ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
