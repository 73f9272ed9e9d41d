/**
 * A real application's kind of build over the large Debian image: C that is compiled in one stage, Python that is packed
 * in another, packages that are installed from local files, and an image of it all. No network is used. Most of the time
 * is gcc's and dpkg's own, so this shows what the builder adds.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../../test/support/host/processes.ts';
import { byTurns, milliseconds, ofEach, type Bench } from '../bench.ts';
import { RIVALS, type Row } from '../row.ts';
import { installLarge, LARGE } from './pull.ts';
import { buildFlags } from './build.ts';

const SOURCES = 12;
const FUNCTIONS = 150;
const PACKAGES = ['jq', 'libjq1', 'libonig5'];
const DOCKERFILE = `FROM ${LARGE} AS compile
WORKDIR /src
COPY source ./
RUN for file in *.c; do gcc -O1 -c "$file"; done && gcc -o /app *.o

FROM ${LARGE} AS pack
WORKDIR /python
COPY python ./
RUN python3 -m compileall -q . && python3 -m zipapp . -m module_0:main -o /tool.pyz

FROM ${LARGE}
RUN --mount=type=bind,source=packages,target=/packages dpkg --install /packages/*.deb
COPY --from=compile /app /usr/local/bin/
COPY --from=pack /tool.pyz /usr/local/bin/
RUN app && python3 /usr/local/bin/tool.pyz && jq --version
CMD ["app"]
`;

export async function buildDebian(bench: Bench): Promise<readonly Row[]> {
  const context = join(bench.minidock.host.dir, 'build-debian');
  await installLarge(bench);
  await writeApplication(context);
  const samples = await byTurns(
    bench.scale.slowRounds,
    ofEach(bench.engines, (engine) =>
      milliseconds(engine.time(['build', '-q', '-t', 'built', ...buildFlags(engine), '--no-cache', context])),
    ),
  );
  for (const engine of bench.engines) await engine.time(['rmi', '-f', 'built', LARGE]);
  rmSync(context, { recursive: true });
  return [
    {
      ...{ id: 'build-debian', title: '`build` of a Debian application in three stages, no cache', samples },
      ...{ unit: 'ms', better: 'lower', targets: [{ factor: 0.8, against: RIVALS }] },
    },
  ];
}

async function writeApplication(context: string): Promise<void> {
  for (const name of ['source', 'python', 'packages']) mkdirSync(join(context, name), { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  for (let file = 0; file < SOURCES; file += 1) {
    const functions = Array.from(
      { length: FUNCTIONS },
      (_, n) =>
        `int f_${file}_${n}(int x) { int s = ${n}; for (int i = 0; i < x; i++) s = s * 31 + i; return s; }`,
    );
    writeFileSync(join(context, 'source', `part_${file}.c`), `${functions.join('\n')}\n`);
    writeFileSync(
      join(context, 'python', `module_${file}.py`),
      `def main():\n    print(${file})\n\n` +
        Array.from({ length: FUNCTIONS }, (_, n) => `def f_${n}(x):\n    return x + ${n}\n`).join('\n'),
    );
  }
  writeFileSync(
    join(context, 'source/main.c'),
    'int f_0_1(int);\nint main(void) { return f_0_1(3) == 0; }\n',
  );
  const downloaded = await runProgram(['apt-get', 'download', '-q', ...PACKAGES], {
    cwd: join(context, 'packages'),
  });
  if (downloaded.exitCode !== 0) throw new Error(`apt-get download: ${downloaded.stderr}`);
}
