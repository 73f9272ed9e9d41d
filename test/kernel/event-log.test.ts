/** The event log under a flood: writers that know nothing of each other, files turned over, a reader that misses nothing. */
import { expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { driver } from '../support/bun.ts';
import { memoryDirectory } from '../support/temporary-directory.ts';

const EACH = 3_000;
const WRITERS = ['one', 'two', 'three', 'four'];

test('none is lost, and the files stay small', async () => {
  const dir = memoryDirectory();
  const [program = '', ...words] = driver(
    'event-log-driver.ts',
    'follow',
    dir,
    String(EACH * WRITERS.length),
  );
  const follower = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ready = new Promise<void>((resolve) => {
    follower.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.startsWith('ready\n')) resolve();
    });
  });
  const ended = new Promise((resolve) => follower.on('close', resolve));
  await ready;
  const run = promisify(execFile);
  await Promise.all(
    WRITERS.map((name) => {
      const [bun = '', ...args] = driver('event-log-driver.ts', 'write', dir, name, String(EACH));
      return run(bun, args);
    }),
  );
  await ended;
  expect(JSON.parse(output.split('\n')[1] ?? '')).toEqual(
    Object.fromEntries(WRITERS.map((name) => [name, EACH])),
  );
  const events = join(dir, 'run/events');
  expect(readdirSync(events).sort()).toEqual(['log', 'log.1', 'log.2']);
  for (const name of readdirSync(events))
    expect(statSync(join(events, name)).size).toBeLessThan(1.1 * 2 ** 20);
}, 60_000);
