/** The supervisor's end of the protocol, talked to over a real socket. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InitMessage } from '../../../../runtime/process/init-protocol.ts';
import { listenForInit } from '../../../../runtime/process/supervise.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'supervise-'));
  path = join(dir, 'init.sock');
});
afterEach(() => rmSync(dir, { recursive: true }));

const send = (socket: Socket, message: InitMessage): void =>
  void socket.write(`${JSON.stringify(message)}\n`);
const failure = {
  type: 'error',
  step: 'rootfs.pivot',
  code: 'EINVAL',
  message: 'no',
  exitCode: 125,
} as const;

test('hello, ready, go, and the end of file that means success', async () => {
  const init = await listenForInit(path);
  const socket = connect(path);
  send(socket, { type: 'hello', pid: 42 });
  expect(await init.hello).toEqual({ pid: 42 });
  expect(existsSync(path)).toBe(false);
  send(socket, { type: 'ready', terminalFd: 9 });
  expect((await init.ready).terminalFd).toBe(9);
  const went = new Promise((resolve) => socket.once('data', (bytes: Buffer) => resolve(bytes.toString())));
  init.go();
  expect(await went).toBe('{"type":"go"}\n');
  socket.end();
  expect(await init.result).toBeUndefined();
});

test('of a process that is to send its calls, the end of file without them means that it has died', async () => {
  const init = await listenForInit(path, undefined, undefined, true);
  const socket = connect(path);
  send(socket, { type: 'hello', pid: 42 });
  send(socket, { type: 'ready' });
  await init.ready;
  init.go();
  socket.end();
  expect(await init.result).toMatchObject({ type: 'error', exitCode: 125 });
});

test('an error rejects what is still awaited and hangs up', async () => {
  const init = await listenForInit(path);
  const socket = connect(path);
  send(socket, { type: 'hello', pid: 42 });
  send(socket, failure);
  await init.hello;
  await expect(init.ready).rejects.toMatchObject({ code: 'EINVAL', message: 'no', exitCode: 125, failure });
  expect(await init.result).toEqual(failure);
  await new Promise((resolve) => socket.once('close', resolve).resume());
});

test('a message in pieces is one message', async () => {
  const init = await listenForInit(path);
  const socket = connect(path);
  socket.setNoDelay(true);
  socket.write('{"type":"hel');
  await new Promise((resolve) => setImmediate(resolve));
  socket.write('lo","pid":7}\n{"type":"ready"}\n');
  expect(await init.hello).toEqual({ pid: 7 });
  await init.ready;
  init.close();
  await init.result;
});

test('a process that dies without a word is an error', async () => {
  const init = await listenForInit(path);
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.end();
  await expect(init.hello).rejects.toMatchObject({ code: 'INIT_FAILED' });
  await expect(init.ready).rejects.toMatchObject({ exitCode: 125 });
});

test('closing before anyone came leaves no socket and no promise open', async () => {
  const init = await listenForInit(path);
  init.close();
  await expect(init.hello).rejects.toThrow('ended before the program began');
  expect(existsSync(path)).toBe(false);
});

test('a path longer than a socket address works all the same', async () => {
  const deep = join(dir, 'x'.repeat(120));
  mkdirSync(deep);
  const long = join(deep, 'init.sock');
  const init = await listenForInit(long);
  expect(existsSync(long)).toBe(true);
  init.close();
  expect(existsSync(long)).toBe(false);
});
