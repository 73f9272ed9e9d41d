/**
 * The fuzzer: runs target after target with seed after seed for a time, and writes down the first seed of each kind of
 * outcome. `scripts/fuzz --help` has the options.
 *
 * The work is done by a child, which notes each seed before it runs it: so a crash, a hang, or a process that the
 * kernel kills for its memory is found by the seed as well.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileSystemCalls } from '../../src/engine/unpack-child.ts';
import { recordingCalls } from '../support/kernel/recording-calls.ts';
import { fuzzOnce, targetNames, type Surroundings, type TargetName } from './targets.ts';

const { values } = parseArgs({
  options: {
    time: { type: 'string', default: '60' },
    seed: { type: 'string' },
    target: { type: 'string' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    child: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const SEEDS = resolve(import.meta.dirname, 'seeds.json');
/** An input takes milliseconds. */
const hangs = 30_000;

const names = targetNames.filter((name) => values.target === undefined || name === values.target);
if (names.length === 0)
  throw new Error(`there is no target ${values.target ?? ''}: ${targetNames.join(', ')}`);

if (values.child !== undefined) await work(values.child);
else if (values.seed !== undefined) await once(Number(values.seed));
else process.exitCode = await supervise();

function surroundings(dir: string): Surroundings {
  mkdirSync(dir, { recursive: true });
  return { dir, callsFor: process.getuid?.() === 0 ? () => fileSystemCalls : recordingCalls };
}

async function once(seed: number): Promise<void> {
  const dir = mkdtempSync('/dev/shm/minidock-fuzz-');
  for (const name of names) console.log(await fuzzOnce(name, seed, surroundings(join(dir, 'box'))));
  rmSync(dir, { recursive: true, force: true });
}

async function work(dir: string): Promise<void> {
  process.umask(0);
  const kinds = new Map<string, [TargetName, number]>();
  const end = Date.now() + Number(values.time) * 1000;
  let count = 0;
  for (let seed = Number(values.from); Date.now() < end; seed++) {
    for (const name of names) {
      writeFileSync(join(dir, 'now'), `${name} ${String(seed)}`);
      const kind = await fuzzOnce(name, seed, surroundings(join(dir, 'box')));
      if (!kinds.has(kind)) kinds.set(kind, [name, seed]);
      count += 1;
    }
  }
  writeFileSync(join(dir, 'done'), JSON.stringify({ count, kinds: [...kinds] }));
}

async function supervise(): Promise<number> {
  const dir = mkdtempSync('/dev/shm/minidock-fuzz-');
  const own = process.argv.slice(2);
  const child = spawn(
    process.execPath,
    [import.meta.filename, ...own, '--from', values.from, '--child', dir],
    {
      stdio: 'inherit',
    },
  );
  let at = '';
  let since = Date.now();
  const watch = setInterval(() => {
    const now = readIfAny(join(dir, 'now'));
    if (now !== at) [at, since] = [now, Date.now()];
    else if (Date.now() - since > hangs) child.kill('SIGKILL');
  }, 1000);
  const status = await new Promise<string>((done) =>
    child.once('close', (code, signal) => {
      done(signal ?? String(code));
    }),
  );
  clearInterval(watch);
  const last = readIfAny(join(dir, 'now'));
  const result = readIfAny(join(dir, 'done'));
  rmSync(dir, { recursive: true, force: true });
  if (result === '') {
    const [target = '', seed = ''] = last.split(' ');
    console.error(`it ended (${status}) on: scripts/fuzz --target ${target} --seed ${seed}`);
    return 1;
  }
  const { count, kinds } = JSON.parse(result) as { count: number; kinds: [string, [TargetName, number]][] };
  console.log(
    `${String(count)} inputs in ${values.time} s from seed ${values.from}: ${String(kinds.length)} kinds of outcome, no defect`,
  );
  if (values.keep) keep(kinds);
  return 0;
}

/** Adds the seeds of kinds that are not there yet. */
function keep(kinds: readonly [string, readonly [TargetName, number]][]): void {
  const known = JSON.parse(readFileSync(SEEDS, 'utf8')) as Record<string, readonly [TargetName, number]>;
  const all = { ...Object.fromEntries(kinds), ...known };
  const lines = Object.keys(all)
    .sort()
    .map((kind) => `  ${JSON.stringify(kind)}: ${JSON.stringify(all[kind])}`);
  writeFileSync(SEEDS, `{\n${lines.join(',\n')}\n}\n`);
  console.log(`${String(Object.keys(all).length)} seeds are kept, ${String(Object.keys(known).length)} were`);
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}
