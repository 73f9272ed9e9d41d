/** The points for a repaired network: a hundred, less ten for each hint and one for each ten seconds after the first minute. */
import type { LabState } from '../progress.ts';
import { seedOf } from './break-it.ts';

const FREE_SECONDS = 60;
const LEAST = 10;

export interface Effort {
  readonly seconds: number;
  readonly hints: number;
  /** The solution was shown, or typed by minidock. */
  readonly shown: boolean;
}

export function pointsFor({ seconds, hints, shown }: Effort): number {
  if (shown) return 0;
  return Math.max(LEAST, 100 - 10 * hints - Math.ceil(Math.max(0, seconds - FREE_SECONDS) / 10));
}

/** One line; undefined for lessons without points, and before the end. */
export function scoreText(
  name: string,
  { began, ended, used = 0, shown = false }: LabState,
): string | undefined {
  if (seedOf(name) === undefined || began === undefined || ended === undefined) return undefined;
  const seconds = Math.round((ended - began) / 1000);
  const minutes = Math.floor(seconds / 60);
  const time = `${minutes > 0 ? `${String(minutes)} min ` : ''}${String(seconds % 60)} s`;
  const help = shown ? 'the solution was shown' : used === 1 ? '1 hint' : `${String(used)} hints`;
  return `Score: ${String(pointsFor({ seconds, hints: used, shown }))} of 100 (${time}, ${help})`;
}
