/**
 * terminal-driver.ts BUNDLE: the smallest supervisor of a container with a terminal, run by Bun, since fetching a
 * pty's master from another process takes libc. Joins its own standard input and output to the terminal and exits
 * with the container's status.
 */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, readFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { OciConfig } from '../../../runtime/bundle.ts';
import { unshareArgv } from '../../../runtime/process/namespace-command.ts';
import { fetchTerminal, listenForInit } from '../../../runtime/process/supervise.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

async function main(bundleDir: string): Promise<number> {
  const config = JSON.parse(readFileSync(join(bundleDir, 'config.json'), 'utf8')) as OciConfig;
  const socketPath = join(bundleDir, 'init.sock');
  const initBinary = resolve(import.meta.dirname, '../../../dist/minidock');
  const init = await listenForInit(socketPath);
  const [program, ...args] = unshareArgv(config.linux.namespaces, { initBinary, bundleDir, socketPath });
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise<number>((done) => child.once('exit', (code) => done(code ?? -1)));
  init.begin();
  const { pid } = await init.hello;
  const { terminalFd } = await init.ready;
  if (terminalFd === undefined) throw new Error('no terminal');
  const master = fetchTerminal(pid, terminalFd);
  const output = createReadStream('', { fd: master, autoClose: false });
  output.on('data', (bytes) => void writeSync(1, Buffer.from(bytes as Buffer)));
  // EIO is how a pty says that its other side was closed.
  const drained = new Promise<void>((done) => output.once('error', () => done()).once('end', () => done()));
  process.stdin.pipe(createWriteStream('', { fd: kernel.duplicate(master) }));
  init.go();
  const failure = await init.result;
  if (failure !== undefined) throw new Error(failure.message);
  const code = await exited;
  await drained;
  return code;
}

void main(process.argv[2] ?? '').then((code) => process.exit(code));
