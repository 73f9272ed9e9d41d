/** What a probe's result makes of a container's health, and when the next one is due: Docker's health monitor. Pure. */
import type { Healthcheck } from '../../../../images/types.ts';
import type { Health, ProbeResult } from '../../spec/container.ts';

const KEPT = 5;
/** Milliseconds; Docker takes nothing shorter on its command line. An image may say anything. */
const LEAST = 1;
/** Milliseconds between two probes, each of which costs the host a process: an image decides how often. */
const LEAST_PAUSE = 100;
const RETRIES = 3;

/** Milliseconds. */
export interface CheckTimes {
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
}

export function checkTimes(check: Healthcheck): CheckTimes {
  const or = (nanoseconds: number | undefined, otherwise: number): number =>
    nanoseconds === undefined || nanoseconds === 0 ? otherwise : Math.max(nanoseconds / 1e6, LEAST);
  return {
    interval: or(check.Interval, 30_000),
    timeout: or(check.Timeout, 30_000),
    startPeriod: or(check.StartPeriod, 0),
    startInterval: or(check.StartInterval, 5_000),
  };
}

/** Within the start period, and until the first success, failures do not count. */
export function judge(check: Healthcheck, before: Health, result: ProbeResult, startedAt: string): Health {
  const log = [...before.log, result].slice(-KEPT);
  if (result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  const age = Date.parse(result.start) - Date.parse(startedAt);
  if (before.status === 'starting' && age < checkTimes(check).startPeriod) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  const retries = (check.Retries ?? 0) > 0 ? Number(check.Retries) : RETRIES;
  return { status: failingStreak >= retries ? 'unhealthy' : before.status, failingStreak, log };
}

/** Milliseconds until the next probe, of a container that has run for `age`. */
export function nextInterval(
  { interval, startInterval, startPeriod }: CheckTimes,
  age: number,
  status: Health['status'],
): number {
  return Math.max(age < startPeriod && status === 'starting' ? startInterval : interval, LEAST_PAUSE);
}
