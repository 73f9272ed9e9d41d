/**
 * The protocol between a shim and its clients, over one stream: frames of
 *
 *     [type: 1 byte][length: 4 bytes, big endian][payload]
 *
 * Bytes of the container's streams travel raw; everything else is one JSON message a frame. The first connection is
 * the socketpair the shim inherits as descriptor 3, so that a foreground `run` misses no byte; later ones come
 * through shim.sock. This module knows neither the messages nor the transport.
 */
export const FRAME = { stdin: 0, stdout: 1, stderr: 2, message: 3 } as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

export const FRAME_HEADER = 5;

export function frame(type: FrameType, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  bytes[0] = type;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, FRAME_HEADER);
  return bytes;
}

export const messageFrame = (message: object): Buffer =>
  frame(FRAME.message, Buffer.from(JSON.stringify(message)));

/** Puts frames together again from chunks cut anywhere. */
export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);

  constructor(private readonly onFrame: (type: FrameType, payload: Buffer) => void) {}

  /** Nothing is left of a frame whose end has not come yet. */
  get empty(): boolean {
    return this.pending.length === 0;
  }

  /** Bytes that are certain to belong to the frame that has begun; 0 when none has. */
  get missing(): number {
    const { length } = this.pending;
    if (length === 0) return 0;
    return (length < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + this.pending.readUInt32BE(1)) - length;
  }

  /** Calls back for each whole frame. Payloads are views of the chunk: copy what must outlive the call. */
  push(chunk: Buffer): void {
    const bytes = this.empty ? chunk : Buffer.concat([this.pending, chunk]);
    let offset = 0;
    while (bytes.length - offset >= FRAME_HEADER) {
      const end = offset + FRAME_HEADER + bytes.readUInt32BE(offset + 1);
      if (bytes.length < end) break;
      this.onFrame(bytes[offset] as FrameType, bytes.subarray(offset + FRAME_HEADER, end));
      offset = end;
    }
    // A copy: the caller may read its next chunk into the same memory.
    this.pending = Buffer.from(bytes.subarray(offset));
  }
}
