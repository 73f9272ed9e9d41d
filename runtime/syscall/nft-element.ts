/**
 * Is this element in that set of nftables? One message to the kernel over netlink(7) and its answer: what `nft get
 * element` does, without a process of four milliseconds around it, because it is asked at every start of a container
 * and while its ports are withdrawn. Source: <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h>.
 *
 * Deliberately absent: changing anything. That is nft's, so that what is done can be shown and typed.
 */
import { readSync, writeSync } from 'node:fs';
import { errnoOf } from './error.ts';
import { attribute, checkAnswer, nested, netfilterMessage, NLM_F_REQUEST, withNetfilter } from './netlink.ts';

export interface NftElement {
  /** 'ip' if absent. */
  readonly family?: 'ip6';
  readonly table: string;
  readonly set: string;
  /** The kernel's own bytes in hexadecimal; each part of a concatenation is filled up to four bytes. */
  readonly key: string;
}

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_GETSETELEM = 13;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_DATA_VALUE = 1;

/** false also where the kernel has no such table or set. @throws SyscallError, or as node:fs, where it may not be asked. */
export function hasNftElement(element: NftElement): boolean {
  try {
    return withNetfilter((socket) => {
      writeSync(socket, requestFor(element));
      const answer = Buffer.alloc(4096);
      readSync(socket, answer);
      checkAnswer(answer, 'NFT_MSG_GETSETELEM');
      return true;
    });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Exported for its test. */
export function requestFor({ family, table, set, key }: NftElement): Buffer {
  const wrappings = [NFTA_SET_ELEM_KEY, NFTA_LIST_ELEM, NFTA_SET_ELEM_LIST_ELEMENTS];
  const value = attribute(NFTA_DATA_VALUE, Buffer.from(key, 'hex'));
  const parts = [
    attribute(NFTA_SET_ELEM_LIST_TABLE, Buffer.from(`${table}\0`)),
    attribute(NFTA_SET_ELEM_LIST_SET, Buffer.from(`${set}\0`)),
    wrappings.reduce((inner, type) => nested(type, inner), value),
  ];
  return netfilterMessage(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NLM_F_REQUEST, parts, family);
}
