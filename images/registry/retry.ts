/**
 * Retries with exponential back-off and jitter, or after the server's Retry-After. It retries only errors marked
 * `retryable`; a Retry-After beyond the cap fails at once, since nobody wants to wait a quarter of an hour in
 * silence.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TransportError } from './transport-error.ts';

export interface RetryPolicy {
  /** In all, the first one included. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubles from there. */
  readonly baseMs: number;
  readonly capMs: number;
  /** Milliseconds a server may ask us to wait. */
  readonly longestWishMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  baseMs: 500,
  capMs: 15_000,
  longestWishMs: 60_000,
};

export async function retrying<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  operation: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof TransportError) || !error.retryable || attempt >= policy.attempts) throw error;
      const wait = waitBefore(attempt + 1, policy, error.retryAfterMs);
      if (wait === undefined) throw error;
      await delay(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** Milliseconds before the n-th attempt (from 2); undefined beyond the cap. */
export function waitBefore(
  attempt: number,
  policy: RetryPolicy,
  retryAfterMs?: number,
  random: () => number = Math.random,
): number | undefined {
  if (retryAfterMs !== undefined) return retryAfterMs <= policy.longestWishMs ? retryAfterMs : undefined;
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 2));
  // Half of it is random: clients that failed together must not retry together.
  return full / 2 + random() * (full / 2);
}

/** The header's two forms, seconds and an HTTP date, as milliseconds from now. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
