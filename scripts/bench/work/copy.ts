/**
 * `cp` of a folder with 2,000 files, into a running container and out of it. What one copy wrote is on the disk before
 * the next one is timed, and stays until the end: ext4 looks for each new inode past all that were deleted in the last
 * minutes.
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byTurns, milliseconds, ofEach, settle, type Bench } from '../bench.ts';
import { RIVALS, type Row } from '../row.ts';

const FILES = 2000;
const DIRECTORIES = 20;
const NAME = 'carrier';

export async function copy(bench: Bench): Promise<readonly Row[]> {
  const { scale, engines, minidock } = bench;
  const folder = join(minidock.host.dir, 'folder');
  makeFolder(folder, scale.folderMegabytes);
  for (const engine of engines) await engine.time(['run', '-d', '--name', NAME, 'bench', 'sleep', '3600']);
  let copies = 0;
  const into = await byTurns(
    scale.slowRounds,
    ofEach(engines, async (engine) => {
      await settle(bench);
      return milliseconds(engine.time(['cp', folder, `${NAME}:/folder-${copies++}`]));
    }),
    { warmUp: false },
  );
  const targets: string[] = [];
  const out = await byTurns(
    scale.slowRounds,
    ofEach(engines, async (engine) => {
      await settle(bench);
      const target = join(engine.host.dir, `copied-${targets.length}`);
      targets.push(target);
      // The first copy of each.
      const took = await milliseconds(
        engine.time(['cp', `${NAME}:/folder-${engines.indexOf(engine)}`, target]),
      );
      expectFiles(target);
      return took;
    }),
    { warmUp: false },
  );
  for (const engine of engines) await engine.time([...engine.remove, NAME]);
  for (const path of [folder, ...targets]) rmSync(path, { recursive: true });
  const row = { unit: 'ms', better: 'lower', targets: [{ factor: 0.5, against: RIVALS }] } as const;
  const what = `cp of ${scale.folderMegabytes} MB in ${FILES.toLocaleString('en-US')} files`;
  return [
    { ...row, id: 'cp-in', title: `${what} into a container`, samples: into },
    { ...row, id: 'cp-out', title: `${what} out of it`, samples: out },
  ];
}

/** Files of one size, in a few directories, none like another. */
function makeFolder(folder: string, megabytes: number): void {
  const bytes = Buffer.allocUnsafe((megabytes * 1e6) / FILES);
  for (let i = 0; i < FILES; i++) {
    const directory = join(folder, `directory-${i % DIRECTORIES}`);
    if (i < DIRECTORIES) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${i}`), randomFillSync(bytes));
  }
}

/** What came out has been in the container: this holds for the way in too. */
function expectFiles(folder: string): void {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => entry.isFile()).length;
  if (found !== FILES) throw new Error(`${found} files in ${folder}, not ${FILES}`);
}
