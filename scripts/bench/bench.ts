/**
 * The context of every work: the engines, the floor, the amounts, and sampling by turns, so that other load on the
 * machine affects all engines alike.
 */
import { join, resolve } from 'node:path';
import { createHost, type TestHost } from '../../test/support/host/host.ts';
import type { Answer } from './agent.ts';
import { startDockerEngine, startMinidock, startPodman, type Engine } from './engine.ts';
import { makeSmallImage } from './images.ts';
import type { Options, Scale } from './options.ts';
import { startStopWatch } from './stop-watch.ts';

export interface Floor {
  readonly host: TestHost;
  /** Times `floor.sh run` with these words. */
  run(words: readonly string[]): Promise<Answer>;
  timeProgram(argv: readonly string[]): Promise<Answer>;
  dispose(): Promise<void>;
}

export interface Bench {
  readonly scale: Scale;
  readonly minidock: Engine;
  /** minidock first. */
  readonly engines: readonly Engine[];
  readonly floor: Floor;
  /** Of the image `bench`, unpacked. */
  readonly rootfs: string;
  say(line: string): void;
  dispose(): Promise<void>;
}

export const program = (name: string): boolean => Bun.which(name) !== null;

export async function startBench(
  { scale, alone, against }: Options,
  say: (line: string) => void,
): Promise<Bench> {
  const engines: Engine[] = [];
  const stack: { dispose(): Promise<void> }[] = [];
  const takeDown = async (): Promise<void> => {
    // What could not be taken down must not keep the rest standing.
    const results = await Promise.allSettled(stack.map((made) => made.dispose()));
    for (const result of results) if (result.status === 'rejected') say(`clean-up: ${String(result.reason)}`);
  };
  let going: Promise<void> | undefined;
  // Runs once: an interrupt waits for the same clean-up as the failing measurement.
  const dispose = (): Promise<void> => (going ??= takeDown());
  const add = async (start: () => Promise<Engine>): Promise<Engine> => {
    const engine = await start();
    stack.push(engine);
    engines.push(engine);
    return engine;
  };
  const interrupt = (): void => void dispose().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const minidock = await add(() => startMinidock());
    if (against !== undefined) await add(() => startMinidock('before', against));
    if (!alone && program('dockerd') && program('docker')) await add(startDockerEngine);
    if (!alone && program('podman') && program('runc')) await add(startPodman);
    const { archive, rootfs } = await makeSmallImage(minidock.host.dir);
    for (const engine of engines) await engine.time(['load', '-i', archive]);
    const floor = await startFloor(rootfs);
    stack.push(floor);
    return { scale, minidock, engines, floor, rootfs, say, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function startFloor(rootfs: string): Promise<Floor> {
  const host = await createHost();
  const watch = await startStopWatch(host, { ownCgroup: false });
  const script = ['bash', resolve(import.meta.dirname, 'floor.sh')];
  await watch.time([...script, 'prepare']);
  return {
    host,
    run: (words) => watch.time([...script, 'run', rootfs, join(host.dir, 'work'), ...words]),
    timeProgram: (argv) => watch.time(argv),
    dispose: async () => {
      await watch.stop();
      await host.dispose();
    },
  };
}

type Take = () => Promise<number>;

/** One sample of each a round, after one that does not count, the order turning by one each time. */
export async function byTurns(
  rounds: number,
  takes: Readonly<Record<string, Take>>,
  options: { readonly warmUp?: boolean } = {},
): Promise<Record<string, number[]>> {
  const entries = Object.entries(takes);
  const samples: Record<string, number[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  const first = options.warmUp === false ? 0 : -1;
  for (let round = first; round < rounds; round++) {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[(i + Math.max(round, 0)) % entries.length];
      if (entry === undefined) continue;
      const value = await entry[1]();
      if (round >= 0) samples[entry[0]]?.push(value);
    }
  }
  return samples;
}

/** The same for each engine. */
export function ofEach(
  engines: readonly Engine[],
  take: (engine: Engine) => Promise<number>,
): Record<string, Take> {
  return Object.fromEntries(engines.map((engine) => [engine.name, () => take(engine)]));
}

/** How long one command takes, whatever it prints. */
export const milliseconds = async (answer: Promise<Answer>): Promise<number> => (await answer).ms;

/** Writes what is still on its way to the disk, so that the next measurement does not pay for it. */
export async function settle({ floor }: Bench): Promise<void> {
  await floor.timeProgram(['sync', '--file-system', floor.host.dir]);
}

export const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
