/**
 * A UNIX socket that takes one connection and talks lines over it. Through Bun's own sockets: node:net costs 3.4 ms
 * of each process that listens. Under Node, which runs the tests, it is node:net.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { O_PATH } from '../syscall/constants.ts';

export interface LineHandlers {
  readonly connected: (connection: LineConnection) => void;
  /** Without its line feed. */
  readonly line: (text: string) => void;
  /** Once, for an end and for an error alike. */
  readonly ended: () => void;
}

export interface LineConnection {
  send(line: string): void;
  close(): void;
}

/** Resolves to what takes the socket away, which the first connection does by itself. @throws as bind(2) does. */
export async function listenForOne(socketPath: string, handlers: LineHandlers): Promise<() => void> {
  rmSync(socketPath, { force: true });
  // The kernel takes 107 bytes of socket path (unix(7)); a longer one is named through its directory's descriptor.
  const directory = Buffer.byteLength(socketPath) > 107 ? openSync(dirname(socketPath), O_PATH) : -1;
  const path = directory < 0 ? socketPath : `/proc/self/fd/${directory}/${basename(socketPath)}`;
  let stop: (() => void) | undefined;
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    stop?.();
    rmSync(socketPath, { force: true });
    if (directory >= 0) closeSync(directory);
  };
  const listen = typeof Bun === 'undefined' ? listenUnderNode : listenUnderBun;
  try {
    stop = await listen(path, {
      ...handlers,
      connected: (connection) => {
        release();
        handlers.connected(connection);
      },
    });
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

/** Calls `line` for each whole line of what it is fed. */
function lineSplitter(line: (text: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let buffered = '';
  return (bytes) => {
    const lines = (buffered + decoder.decode(bytes, { stream: true })).split('\n');
    buffered = lines.pop() ?? '';
    for (const whole of lines) line(whole);
  };
}

function listenUnderBun(path: string, { connected, line, ended }: LineHandlers): Promise<() => void> {
  const feed = lineSplitter(line);
  const server = Bun.listen({
    unix: path,
    socket: {
      open: (socket) =>
        connected({
          // A line is far below what a socket's buffer takes at once.
          send: (text) => void socket.write(`${text}\n`),
          close: () => socket.terminate(),
        }),
      data: (_socket, bytes) => feed(bytes),
      close: ended,
    },
  });
  return Promise.resolve(() => server.stop());
}

function listenUnderNode(path: string, { connected, line, ended }: LineHandlers): Promise<() => void> {
  const { createServer } = process.getBuiltinModule('node:net');
  const feed = lineSplitter(line);
  const server = createServer((socket) => {
    connected({
      send: (text) => void socket.write(`${text}\n`),
      close: () => socket.destroy(),
    });
    socket.on('data', feed);
    socket.on('error', () => undefined); // A reset is an end too; 'close' follows.
    socket.on('close', ended);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(() => server.close()));
  });
}
