/** A client's connection on Bun: what it sends and is sent, and that every end is reported, also of one that never began. */
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { driver } from '../support/bun.ts';
import { runProgram } from '../support/host/processes.ts';

/** Leaves a socket file that nobody listens at. */
const BIND = 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0])) or die';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-connection-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const connect = async (path: string): Promise<string> =>
  (await runProgram(driver('connection-driver.ts', path))).stdout;

test('what is written before it is open arrives; what comes back is reported, then the end', async () => {
  const path = join(dir, 'socket');
  const server = createServer((socket) =>
    socket.on('data', (chunk) => socket.end(`${chunk.toString()} back`)),
  );
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  expect(await connect(path)).toBe('received hello back\nclosed\n');
  server.close();
});

test('nobody listens, or nothing is there: that is an end too', async () => {
  expect(await connect(join(dir, 'nothing'))).toBe('closed\n');
  const path = join(dir, 'stale');
  await runProgram(['perl', '-MSocket', '-e', BIND, path]);
  expect(await connect(path)).toBe('closed\n');
});
