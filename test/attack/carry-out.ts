/** One case, way after way, on one host: each in its own time, and on a new host after one that went astray. */
import { CannotRun, type AttackCase, type Way } from './case.ts';
import type { Options } from './options.ts';
import { openStage, type OpenStage } from './stage.ts';

export type Outcome =
  | { readonly kind: 'held' }
  /** The attack succeeded; its evidence. */
  | { readonly kind: 'broken'; readonly words: string }
  /** The attack could not be carried out. */
  | { readonly kind: 'failed'; readonly words: string }
  | { readonly kind: 'skipped'; readonly words: string };

/** Milliseconds for one way of one case. */
const LIMIT = 60_000;

export async function* carryOut(
  attack: AttackCase,
  ways: readonly Way[],
  { binary, setting, patience }: Options,
): AsyncGenerator<readonly [Way, Outcome, readonly string[]]> {
  let stage: OpenStage | undefined;
  try {
    for (const way of ways) {
      stage ??= await openStage(binary, setting, patience);
      const outcome = await attempt(attack, stage, way, LIMIT * patience);
      yield [way, outcome, stage.said()];
      if (outcome.kind === 'failed' || outcome.kind === 'broken' || !(await isTidy(stage))) {
        await stage.close();
        stage = undefined;
      }
    }
  } finally {
    await stage?.close();
  }
}

async function attempt(attack: AttackCase, stage: OpenStage, way: Way, limit: number): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${String(limit / 1000)} s`)), limit);
  });
  try {
    const evidence = await Promise.race([attack.attack(stage, way), late]);
    return evidence === undefined ? { kind: 'held' } : { kind: 'broken', words: evidence };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { kind: error instanceof CannotRun ? 'skipped' : 'failed', words };
  } finally {
    clearTimeout(timer);
  }
}

async function isTidy(stage: OpenStage): Promise<boolean> {
  try {
    await stage.tidy();
    return true;
  } catch {
    return false; // A new host is made, which is what the caller wants to know.
  }
}
