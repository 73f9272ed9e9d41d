/** What the questions to netfilter share: netlink(7) messages and their attributes. Source: <linux/netfilter/nfnetlink.h>. */
import { closeSync } from 'node:fs';
import { O_CLOEXEC } from './constants.ts';
import { SyscallError } from './error.ts';
import { call, errnoName } from './ffi.ts';

export const NLM_F_REQUEST = 1;
export const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE = 0x3fff;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
/** struct nlmsghdr and struct nfgenmsg. */
export const NETFILTER_HEADER = 20;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;

/** @throws SyscallError where the kernel has no netfilter. */
export function withNetfilter<T>(use: (socket: number) => T): T {
  const socket = call('socket', AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_NETFILTER);
  try {
    return use(socket);
  } finally {
    closeSync(socket);
  }
}

/** Of the family ip. */
export function netfilterMessage(
  subsystem: number,
  type: number,
  flags: number,
  attributes: readonly Uint8Array[],
  family: 'ip' | 'ip6' = 'ip',
): Buffer {
  const header = Buffer.alloc(NETFILTER_HEADER);
  header.writeUInt32LE(
    attributes.reduce((sum, { length }) => sum + length, header.length),
    0,
  );
  header.writeUInt16LE((subsystem << 8) | type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt8(family === 'ip' ? NFPROTO_IPV4 : NFPROTO_IPV6, 16);
  return Buffer.concat([header, ...attributes]);
}

/** An error's number follows the header, negative; 0 acknowledges. `request` names the question. @throws SyscallError. */
export function checkAnswer(message: Buffer, request: string): void {
  if (message.readUInt16LE(4) !== NLMSG_ERROR) return;
  const number = -message.readInt32LE(16);
  if (number === 0) return;
  const errno = errnoName(number);
  throw new SyscallError(request, errno, errno);
}

/** struct nlattr: length without padding, type, value; the next one begins at a multiple of four. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const length = 4 + value.length;
  const bytes = Buffer.alloc(padded(length));
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

export const nested = (type: number, ...inner: readonly Uint8Array[]): Buffer =>
  attribute(type | NLA_F_NESTED, Buffer.concat(inner));

/** Values by type. */
export function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2) & NLA_TYPE, bytes.subarray(at + 4, at + length));
    at += padded(length);
  }
  return found;
}

const padded = (length: number): number => (length + 3) & ~3;
