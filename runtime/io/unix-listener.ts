/**
 * A UNIX socket that takes one connection and talks lines over it. Through Bun's own sockets: node:net costs 3.4 ms
 * of each process that listens. Under Node, which runs the tests, it is node:net.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { O_PATH } from '../syscall/constants.ts';

export interface LineHandlers {
  readonly connected: (connection: LineConnection) => void;
  /** Without its line feed. True: it was the last line, what follows is for `ended`. */
  readonly line: (text: string) => boolean;
  /** Once, for an end and for an error alike, with what came after the last line. */
  readonly ended: (rest: Uint8Array) => void;
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

/** Calls `line` for each whole line of what it is fed, and keeps the rest. */
function lineSplitter(line: LineHandlers['line']): {
  readonly feed: (bytes: Uint8Array) => void;
  readonly rest: () => Uint8Array;
} {
  let buffered = Buffer.alloc(0);
  let lines = true;
  return {
    feed(bytes) {
      buffered = Buffer.concat([buffered, bytes]);
      while (lines) {
        const end = buffered.indexOf('\n');
        if (end < 0) return;
        const text = buffered.toString('utf8', 0, end);
        buffered = buffered.subarray(end + 1);
        lines = !line(text);
      }
    },
    rest: () => buffered,
  };
}

function listenUnderBun(path: string, { connected, line, ended }: LineHandlers): Promise<() => void> {
  const { feed, rest } = lineSplitter(line);
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
      close: () => ended(rest()),
    },
  });
  return Promise.resolve(() => server.stop());
}

function listenUnderNode(path: string, { connected, line, ended }: LineHandlers): Promise<() => void> {
  const { createServer } = process.getBuiltinModule('node:net');
  const { feed, rest } = lineSplitter(line);
  const server = createServer((socket) => {
    connected({
      send: (text) => void socket.write(`${text}\n`),
      close: () => socket.destroy(),
    });
    socket.on('data', feed);
    socket.on('error', () => undefined); // A reset is an end too; 'close' follows.
    socket.on('close', () => ended(rest()));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(() => server.close()));
  });
}
