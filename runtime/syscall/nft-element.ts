/**
 * Is this element in that set of nftables? One message to the kernel over netlink(7) and its answer: what `nft get
 * element` does, without a process of four milliseconds around it, because it is asked at every start of a container
 * and while its ports are withdrawn. Source: <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h>.
 *
 * Deliberately absent: changing anything. That is nft's, so that what is done can be shown and typed.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { O_CLOEXEC } from './constants.ts';
import { errnoOf, SyscallError } from './error.ts';
import { call, errnoName } from './ffi.ts';

export interface NftElement {
  /** Of the family ip. */
  readonly table: string;
  readonly set: string;
  /** The kernel's own bytes in hexadecimal; each part of a concatenation is filled up to four bytes. */
  readonly key: string;
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETSETELEM = 13;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const NFPROTO_IPV4 = 2;
const NLA_F_NESTED = 0x8000;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_DATA_VALUE = 1;

/** false also where the kernel has no such table or set. @throws SyscallError, or as node:fs, where it may not be asked. */
export function hasNftElement(element: NftElement): boolean {
  const socket = call('socket', AF_NETLINK, SOCK_RAW | O_CLOEXEC, NETLINK_NETFILTER);
  try {
    writeSync(socket, requestFor(element));
    const answer = Buffer.alloc(4096);
    readSync(socket, answer);
    checkAnswer(answer);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  } finally {
    closeSync(socket);
  }
}

/** An error's number follows the header, negative. Exported for its test. @throws SyscallError. */
export function checkAnswer(answer: Buffer): void {
  if (answer.readUInt16LE(4) !== NLMSG_ERROR) return;
  const errno = errnoName(-answer.readInt32LE(16));
  throw new SyscallError('NFT_MSG_GETSETELEM', errno, errno);
}

/** struct nlmsghdr, struct nfgenmsg, then attributes. Exported for its test. */
export function requestFor({ table, set, key }: NftElement): Buffer {
  const value = attribute(NFTA_DATA_VALUE, Buffer.from(key, 'hex'));
  const nested = [NFTA_SET_ELEM_KEY, NFTA_LIST_ELEM, NFTA_SET_ELEM_LIST_ELEMENTS].reduce(
    (inner, type) => attribute(type | NLA_F_NESTED, inner),
    value,
  );
  const body = [
    attribute(NFTA_SET_ELEM_LIST_TABLE, Buffer.from(`${table}\0`)),
    attribute(NFTA_SET_ELEM_LIST_SET, Buffer.from(`${set}\0`)),
    nested,
  ];
  const header = Buffer.alloc(20);
  header.writeUInt32LE(
    body.reduce((sum, { length }) => sum + length, header.length),
    0,
  );
  header.writeUInt16LE((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM, 4);
  header.writeUInt16LE(NLM_F_REQUEST, 6);
  header.writeUInt8(NFPROTO_IPV4, 16);
  return Buffer.concat([header, ...body]);
}

/** struct nlattr: length without padding, type, value; the next one begins at a multiple of four. */
function attribute(type: number, value: Buffer): Buffer {
  const length = 4 + value.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}
