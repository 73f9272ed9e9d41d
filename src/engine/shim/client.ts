/** One connection of the shim's: what its client wants to see, what it has sent in part, what it has not read yet. */
import { readSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { warnStderr } from '../../io/warn-stderr.ts';
import { frame, FRAME, FrameReader, messageFrame, type FrameType } from '../../io/frames.ts';
import type { ShimMessage } from './client/shim-protocol.ts';
import { WriteQueue } from './write-queue.ts';

export interface AttachedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Bytes queued for one client above which the container's output waits for it. */
const HIGH_WATER = 1 << 20;

const chunk = Buffer.allocUnsafe(1 << 18);

export class Client {
  attachment: AttachedStreams;
  /** Wants to know each step of the end, which a shim that slept meanwhile would have forgotten. */
  explains = false;
  private readonly out: WriteQueue;
  private readonly frames: FrameReader;

  constructor(fd: number, attachment: AttachedStreams, receive: (type: FrameType, payload: Buffer) => void) {
    this.out = new WriteQueue(fd);
    this.attachment = attachment;
    this.frames = new FrameReader(receive);
  }

  get fd(): number {
    return this.out.fd;
  }

  get pending(): boolean {
    return !this.out.empty;
  }

  get lags(): boolean {
    return this.out.size > HIGH_WATER;
  }

  /** Only waits for a message: nothing is half sent, half read, or to be shown to it. */
  get quiet(): boolean {
    const { stdin, stdout, stderr } = this.attachment;
    return !(stdin || stdout || stderr || this.pending || this.explains) && this.frames.empty;
  }

  message(message: ShimMessage): void {
    this.out.write(messageFrame(message));
  }

  output(stream: 1 | 2, bytes: Uint8Array): void {
    const wanted = stream === 1 ? this.attachment.stdout : this.attachment.stderr;
    if (wanted) this.out.write(frame(stream === 1 ? FRAME.stdout : FRAME.stderr, bytes));
  }

  flush(): void {
    this.out.flush();
  }

  /** false at the end of what it sends, or of what can be done with it. */
  read(): boolean {
    let length: number;
    try {
      length = readSync(this.fd, chunk);
    } catch (error) {
      // Anything else, ECONNRESET above all, is an end too: a client may be killed at any time.
      return errnoOf(error) === 'EAGAIN';
    }
    if (length === 0) return false;
    try {
      this.frames.push(chunk.subarray(0, length));
      return true;
    } catch (error) {
      // The container is not to suffer from what one client says.
      warnStderr(`the shim lets a client go: ${(error as Error).message}`);
      return false;
    }
  }

  close(): void {
    this.out.close();
  }
}
