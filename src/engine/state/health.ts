/**
 * How a container with a health check fares: health.json beside its record, written by the process that carries a probe
 * out (shim/health/probe.ts), and read for `ps` and `inspect`. Containers without a check have no such file.
 */
import { listOf, record, size, text, value, type Shape } from '../../../images/foreign/shape.ts';
import type { Healthcheck } from '../../../images/types.ts';
import type { Health, HealthStatus, ProbeResult } from '../spec/container.ts';
import { isDamaged, readRecord, writeRecord } from './atomic-file.ts';
import { tellDamage } from './damage.ts';
import { containerDir, type Paths } from './paths.ts';

const whole = value<number>('a whole number', 'whole numbers', Number.isSafeInteger);

const health: Shape<Health> = record<Health>({
  status: value<HealthStatus>('a state of health', 'states of health', (found) =>
    ['starting', 'healthy', 'unhealthy'].includes(found as string),
  ),
  failingStreak: size,
  log: listOf(record<ProbeResult>({ start: text, end: text, exitCode: whole, output: text })),
});

/** The command of a check that is to be carried out; undefined for none, and for kinds that Docker ignores. */
export function probeCommand(
  check: Healthcheck | null | undefined,
): readonly [string, ...string[]] | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (kind === 'CMD-SHELL') return ['/bin/sh', '-c', words.join(' ')];
  const [program, ...args] = words;
  return kind === 'CMD' && program !== undefined ? [program, ...args] : undefined;
}

const path = (paths: Paths, id: string): string => `${containerDir(paths, id)}/health.json`;

/** Undefined before the first start. A damaged file costs the results that were in it. */
export function readHealth(paths: Paths, id: string): Health | undefined {
  try {
    return readRecord(path(paths, id), health);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    tellDamage(error, 'Its results are lost.');
    return { status: 'starting', failingStreak: 0, log: [] };
  }
}

export const writeHealth = (paths: Paths, id: string, found: Health): void =>
  writeRecord(path(paths, id), found);
