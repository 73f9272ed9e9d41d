/**
 * Locks between processes that nobody has to clean up after. node:fs has no flock(2), and a lock file that is
 * removed when its owner looks dead can be removed twice, the second time from under its new owner. So this is
 * Lamport's bakery: everyone who wants the lock draws a ticket (a file in the lock's directory, named after its
 * owner), and the lowest ticket of a living process holds it. Only names of dead processes are ever removed by
 * others, and those names never come back.
 *
 * Deliberately absent: shared locks, re-entrance, and waiting without polling.
 */
import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isOwnerAlive, ownerTag } from './owner.ts';

export type Release = () => void;

const pollMs = 20;

/** Waits for its turn; `signal` gives up. `dir` is the lock's own directory, made here. */
export async function acquireLock(dir: string, signal?: AbortSignal): Promise<Release> {
  const owner = ownerTag();
  const choosing = `choosing-${owner}`;
  create(dir, choosing);
  const last = Math.max(0, ...readTickets(dir).map((ticket) => ticket.number));
  const mine: Ticket = { number: last + 1, owner, name: `ticket-${String(last + 1)}-${owner}` };
  create(dir, mine.name);
  rmSync(join(dir, choosing), { force: true });
  const release = (): void => {
    rmSync(join(dir, mine.name), { force: true });
    removeIfEmpty(dir);
  };
  try {
    while (mustWait(dir, mine)) await delay(pollMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

export async function withLock<T>(dir: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const release = await acquireLock(dir, signal);
  try {
    return await work();
  } finally {
    release();
  }
}

interface Ticket {
  /** 0 for someone who is still choosing: everyone waits until they have. */
  readonly number: number;
  readonly owner: string;
  readonly name: string;
}

function mustWait(dir: string, mine: Ticket): boolean {
  // Read twice: a neighbour who swaps "choosing" for a ticket during one reading may be missed by it, not by both.
  return [...readTickets(dir), ...readTickets(dir)].some((other) => {
    if (other.owner === mine.owner || !precedes(other, mine)) return false;
    if (isOwnerAlive(other.owner)) return true;
    rmSync(join(dir, other.name), { force: true });
    return false;
  });
}

function precedes(a: Ticket, b: Ticket): boolean {
  return a.number === b.number ? a.owner < b.owner : a.number < b.number;
}

function readTickets(dir: string): Ticket[] {
  const names = readdirSync(dir);
  return names.map((name) => {
    const [kind = '', a = '', b = ''] = name.split('-');
    return kind === 'ticket' ? { number: Number(a), owner: b, name } : { number: 0, owner: a, name };
  });
}

function create(dir: string, name: string): void {
  for (;;) {
    mkdirSync(dir, { recursive: true });
    try {
      writeFileSync(join(dir, name), '', { flag: 'wx' });
      return;
    } catch (error) {
      // Whoever released the lock last took the empty directory away between these two calls.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Someone else holds or wants the lock (ENOTEMPTY), or has already removed the directory (ENOENT).
  }
}
