/**
 * Open files handed from one process to another over a UNIX socket (SCM_RIGHTS, unix(7)): what the receiver gets is
 * the very file or mount, whatever paths and powers it lacks itself.
 */
import { addressOf, bytesOf, call } from './ffi.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** As many as the kernel takes at once (SCM_MAX_FD). */
const MOST = 253;
/** struct cmsghdr: a 64-bit length, two ints. */
const HEADER = 16;

/** In as many messages as it takes; each comes with one byte, since none would be no message. */
export function sendDescriptors(socket: number, descriptors: readonly number[]): void {
  for (let at = 0; at < descriptors.length; at += MOST) {
    const part = Int32Array.from(descriptors.slice(at, at + MOST));
    const control = Buffer.alloc(HEADER + Math.ceil(part.byteLength / 8) * 8);
    control.writeBigUInt64LE(BigInt(HEADER + part.byteLength), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    control.set(bytesOf(part), HEADER);
    withMessage(control, (message) => call('sendmsg', socket, message, 0));
  }
}

/** Waits for that many; close-on-exec. */
export function receiveDescriptors(socket: number, count: number): readonly number[] {
  const received: number[] = [];
  while (received.length < count) {
    const control = Buffer.alloc(HEADER + MOST * 4 + 4);
    withMessage(control, (message) => call('recvmsg', socket, message, MSG_CMSG_CLOEXEC));
    const end = Number(control.readBigUInt64LE(0));
    if (end <= HEADER) throw new Error('the descriptors did not arrive');
    for (let at = HEADER; at < end; at += 4) received.push(control.readInt32LE(at));
  }
  return received;
}

/** struct msghdr: no name; one struct iovec of one byte; the control data; no flags. */
function withMessage(control: Uint8Array, use: (message: Uint8Array) => void): void {
  const byte = Uint8Array.of(0);
  const vector = BigUint64Array.of(BigInt(addressOf(byte)), 1n);
  const message = BigUint64Array.of(
    ...[0n, 0n],
    ...[BigInt(addressOf(bytesOf(vector))), 1n],
    ...[BigInt(addressOf(control)), BigInt(control.byteLength)],
    0n,
  );
  use(bytesOf(message));
}
