/**
 * How a shim and its clients talk, over one stream: frames of
 *
 *     [type: 1 byte][length: 4 bytes, big endian][payload]
 *
 * Bytes of the container's streams travel raw; everything else is one JSON message a frame. The first connection is
 * the socketpair the shim inherits as descriptor 3, so that a foreground `run` misses no byte; later ones come
 * through shim.sock. Nothing here knows what the messages mean.
 */
import type { Duplex } from 'node:stream';

export const FRAME = { stdin: 0, stdout: 1, stderr: 2, message: 3 } as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

const HEADER = 5;

export function writeFrame(stream: Duplex, type: FrameType, payload: Uint8Array): boolean {
  const header = Buffer.allocUnsafe(HEADER);
  header[0] = type;
  header.writeUInt32BE(payload.length, 1);
  stream.write(header);
  return stream.write(payload);
}

export function writeMessage(stream: Duplex, message: object): boolean {
  return writeFrame(stream, FRAME.message, Buffer.from(JSON.stringify(message)));
}

/** Calls `onFrame` for each whole frame. Payloads are views of the received chunk: copy what must outlive the call. */
export function readFrames(stream: Duplex, onFrame: (type: FrameType, payload: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let offset = 0;
    while (pending.length - offset >= HEADER) {
      const length = pending.readUInt32BE(offset + 1);
      const end = offset + HEADER + length;
      if (pending.length < end) break;
      onFrame(pending[offset] as FrameType, pending.subarray(offset + HEADER, end));
      offset = end;
    }
    pending = pending.subarray(offset);
  });
}
