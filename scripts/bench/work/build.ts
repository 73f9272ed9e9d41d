/**
 * Dockerfiles: what a rebuild costs, what a RUN costs, what a large context costs. The context is one folder for all
 * engines. A rebuild is one that the cache answers wholly; each `--no-cache` runs everything anew. What a build leaves is
 * removed at the end, since an engine's cache grows with each round.
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byTurns, milliseconds, ofEach, settle, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import { RIVALS, type Row } from '../row.ts';

const FROM = 'FROM bench';
const repeat = (count: number, line: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, n) => line(n));

/** 25 instructions in three stages; the source comes last. */
const APPLICATION = [
  `${FROM} AS tools`,
  ...repeat(5, (n) => `RUN echo ${String(n)} >/tool-${String(n)}`),
  `${FROM} AS compile`,
  'WORKDIR /src',
  ...repeat(4, (n) => `ENV OPTION_${String(n)}=${String(n)}`),
  'COPY --from=tools /tool-0 /tool-1 /bin/',
  'COPY library ./library',
  'RUN cat library/* >/compiled',
  FROM,
  ...repeat(3, (n) => `LABEL part-${String(n)}=here`),
  'WORKDIR /app',
  'COPY --from=compile /compiled ./',
  'EXPOSE 80',
  'COPY source ./source',
  'RUN cat source/* >all',
  'CMD ["cat", "all"]',
].join('\n');
const RUNS = [FROM, ...repeat(20, () => 'RUN true')].join('\n');
const COPY_ALL = `${FROM}\nCOPY . /all`;
const STAGES = [
  ...repeat(3, (n) => `${FROM} AS stage${String(n)}\nRUN sleep 5; echo ${String(n)} >/out-${String(n)}`),
  FROM,
  ...repeat(3, (n) => `COPY --from=stage${String(n)} /out-${String(n)} /`),
].join('\n');

/** Podman's defaults for a RUN are more than a machine without CAP_SYS_RESOURCE may allow. */
export const buildFlags = ({ name }: Engine): readonly string[] =>
  name === 'podman' ? ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'] : [];

export async function build(bench: Bench): Promise<readonly Row[]> {
  const { engines, scale, minidock } = bench;
  const folder = join(minidock.host.dir, 'build');
  const application = contextIn(folder, 'application', APPLICATION);
  for (const [name, files] of Object.entries({ library: 50, source: 10 })) {
    mkdirSync(join(application, name));
    for (let n = 0; n < files; n += 1)
      writeFileSync(join(application, name, `file-${String(n)}`), `${name} ${String(n)}\n`);
  }
  const timed = (engine: Engine, context: string, ...flags: string[]): Promise<number> =>
    milliseconds(engine.time(['build', '-q', '-t', 'built', ...buildFlags(engine), ...flags, context]));
  const unchanged = await byTurns(
    scale.rounds,
    ofEach(engines, (engine) => timed(engine, application)),
  );
  let changes = 0;
  const changed = await byTurns(
    scale.rounds,
    ofEach(engines, (engine) => {
      writeFileSync(join(application, 'source/file-0'), `change ${String((changes += 1))}\n`);
      return timed(engine, application);
    }),
  );
  const runs = contextIn(folder, 'runs', RUNS);
  const twenty = await byTurns(
    scale.slowRounds,
    ofEach(engines, (engine) => timed(engine, runs, '--no-cache')),
  );
  const large = contextIn(folder, 'large', COPY_ALL);
  makeLarge(large, scale.folderMegabytes);
  const context = await byTurns(
    scale.slowRounds,
    ofEach(engines, async (engine) => {
      await settle(bench);
      return timed(engine, large, '--no-cache');
    }),
  );
  // Podman builds one stage after the other unless it is given --jobs.
  const stages = contextIn(folder, 'stages', STAGES);
  const jobs = (engine: Engine): string[] => (engine.name === 'podman' ? ['--jobs', '3'] : []);
  const parallel = await byTurns(
    scale.slowRounds,
    ofEach(engines, (engine) => timed(engine, stages, '--no-cache', ...jobs(engine))),
    { warmUp: false },
  );
  const whole = contextIn(folder, 'whole', COPY_ALL);
  writeFileSync(join(whole, 'data'), randomFillSync(Buffer.alloc(1e6)));
  for (let n = 1; n < 2 * scale.folderMegabytes; n += 1) {
    writeFileSync(join(whole, 'data'), randomFillSync(Buffer.alloc(1e6)), { flag: 'a' });
  }
  const { peakBytes } = await minidock.time(['build', '-q', '-t', 'built', whole]);
  for (const engine of engines) await engine.time(['rmi', 'built']);
  rmSync(folder, { recursive: true });
  const row = { unit: 'ms', better: 'lower' } as const;
  const below = (factor: number): Pick<Row, 'targets'> => ({ targets: [{ factor, against: RIVALS }] });
  const size = `${String(2 * scale.folderMegabytes)} MB`;
  return [
    { ...row, ...below(0.25), id: 'rebuild', title: '`build`, nothing changed', samples: unchanged },
    {
      ...row,
      ...below(0.4),
      id: 'rebuild-changed',
      title: '`build`, one source file changed',
      samples: changed,
    },
    {
      ...row,
      ...below(0.3),
      id: 'build-runs',
      title: '`build` of 20 × `RUN true`, no cache',
      samples: twenty,
    },
    {
      ...row,
      ...below(0.2),
      id: 'build-context',
      title: `\`build\` that leaves out all but 1 MB of ${size}`,
      samples: context,
    },
    {
      ...row,
      targets: [{ limit: 6000 }],
      id: 'build-stages',
      title: '`build` of three stages of 5 s',
      samples: parallel,
    },
    {
      ...{
        id: 'build-memory',
        title: `peak memory of \`build\` with a COPY of ${size}`,
        unit: 'MB',
        better: 'lower',
      },
      ...{ samples: { minidock: [peakBytes / 1e6] }, targets: [{ limit: 150 }] },
    },
  ];
}

function contextIn(folder: string, name: string, dockerfile: string): string {
  const context = join(folder, name);
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), `${dockerfile}\n`);
  return context;
}

/** 50,000 files in 50 folders, nearly all left out, and 1 MB that is not. */
function makeLarge(context: string, megabytes: number): void {
  const files = 50_000;
  const bytes = Buffer.alloc((2 * megabytes * 1e6) / files, 'x');
  for (let n = 0; n < files; n += 1) {
    const directory = join(context, 'node_modules', String(n % 50));
    if (n < 50) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, String(n)), bytes);
  }
  writeFileSync(join(context, 'kept'), randomFillSync(Buffer.alloc(1e6)));
  writeFileSync(join(context, '.dockerignore'), 'node_modules\n');
}
