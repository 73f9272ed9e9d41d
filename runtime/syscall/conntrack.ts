/**
 * Makes the kernel forget flows: entries of conntrack, which say for a whole flow what was decided for its first
 * packet. An entry outlives the container it leads to, for as long as somebody goes on sending: a client of a
 * formerly published port reaches the next owner of the address, and a server that the last owner asked can answer
 * the next owner.
 *
 * What `conntrack -D` does, which few hosts have: entries are listed, and those meant deleted by their tuple and id.
 * Source: <linux/netfilter/nfnetlink_conntrack.h>. Kernels before 5.8 do not know the filter and list all, so each
 * entry is looked at here as well.
 */
import { readFileSync, readSync, writeSync } from 'node:fs';
import { formatIpv6, hexOfIpv6, parseIpv6 } from './inet.ts';
import { errnoOf } from './error.ts';
import {
  attribute,
  attributesOf,
  checkAnswer,
  nested,
  netfilterMessage,
  NETFILTER_HEADER,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  withNetfilter,
} from './netlink.ts';

export interface UdpPorts {
  /** '0.0.0.0' for every address, '::' for every one of IPv6. */
  readonly hostIp: string;
  readonly first: number;
  readonly count: number;
}

/** The kernel keeps the flows of each in a table that is asked for by its name. */
type Family = 'ip' | 'ip6';

/** Flows that a container at `address` takes part in; or those to UDP ports of this host. */
export type FlowsOf = { readonly address: string } | { readonly udp: readonly UdpPorts[] };

export interface Flow {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Where answers come from: the destination as DNAT made it. */
  readonly answerer: string;
  readonly status: number;
  /** What it is deleted by. */
  readonly handle: readonly Buffer[];
}

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const NLMSG_DONE = 3;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;

/** CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS have the numbers of the tuples; the flags are the kernel's own. */
const F_IP_SRC = 1 << 0;
const F_PROTO_NUM = 1 << 3;

const UDP = 17;
const IPS_SRC_NAT = 1 << 4;
const IPS_DST_NAT = 1 << 5;

/** Messages of some hundred bytes in one write(2), of which the kernel takes 200 kB. */
const AT_ONCE = 256;

/**
 * How many there were. To look for them takes the kernel 5 ms, with a table of 262,144 buckets (conntrack's largest by
 * default). @throws SyscallError where the kernel cannot be asked: EINVAL is a kernel without ctnetlink.
 */
export function forgetFlows(of: FlowsOf): number {
  const known = flowCount();
  if (known === 0) return 0;
  return FAMILIES.map((family) => forgetIn(family, of, known)).reduce((sum, count) => sum + count);
}

const FAMILIES: readonly Family[] = ['ip', 'ip6'];

const familyOf = (address: string): Family => (address.includes(':') ? 'ip6' : 'ip');

const isAbout = (family: Family, of: FlowsOf): boolean =>
  'address' in of
    ? familyOf(of.address) === family
    : of.udp.some(({ hostIp }) => familyOf(hostIp) === family);

function forgetIn(family: Family, of: FlowsOf, known: number): number {
  if (!isAbout(family, of)) return 0;
  return withNetfilter((socket) => {
    const requests = known < FEW ? [everything(family)] : requestsFor(of, family);
    const doomed = requests.flatMap((request) => list(socket, request).filter((flow) => isOf(flow, of)));
    // The kernel refuses an entry that is gone; ignore that answer.
    for (let at = 0; at < doomed.length; at += AT_ONCE) {
      const some = doomed.slice(at, at + AT_ONCE).map(({ handle }) => deletionOf(handle, family));
      writeSync(socket, Buffer.concat(some));
    }
    return doomed.length;
  });
}

/** So few that one look at all is faster than two by a filter. */
const FEW = 10_000;

/** Of this network namespace; 0 where the kernel keeps none. */
function flowCount(): number {
  try {
    return Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0; // This namespace has no conntrack.
    throw error;
  }
}

/** Exported for its test, as are the others. */
export function requestsFor(of: FlowsOf, family: Family = 'ip'): readonly Buffer[] {
  if ('udp' in of) {
    const udp = nested(CTA_TUPLE_PROTO, attribute(CTA_PROTO_NUM, Buffer.of(UDP)));
    return [request(family, CTA_TUPLE_ORIG, F_PROTO_NUM, udp)];
  }
  const source = nested(
    CTA_TUPLE_IP,
    family === 'ip'
      ? attribute(CTA_IP_V4_SRC, Buffer.from(of.address.split('.').map(Number)))
      : attribute(CTA_IP_V6_SRC, Buffer.from(hexOfIpv6(parseIpv6(of.address) ?? 0n), 'hex')),
  );
  return [CTA_TUPLE_ORIG, CTA_TUPLE_REPLY].map((tuple) => request(family, tuple, F_IP_SRC, source));
}

const GET = [NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP] as const;
const everything = (family: Family): Buffer => netfilterMessage(...GET, [], family);

function request(family: Family, tuple: number, flags: number, part: Buffer): Buffer {
  const filter = Buffer.alloc(4);
  filter.writeUInt32LE(flags);
  const parts = [nested(tuple, part), nested(CTA_FILTER, attribute(tuple, filter))];
  return netfilterMessage(...GET, parts, family);
}

/** Without a tuple it would delete every entry of the host. */
export function deletionOf(handle: readonly Buffer[], family: Family = 'ip'): Buffer {
  if (handle.length === 0) throw new Error('no tuple to delete a flow by');
  return netfilterMessage(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST, handle, family);
}

function list(socket: number, question: Buffer): readonly Flow[] {
  writeSync(socket, question);
  const flows: Flow[] = [];
  const answer = Buffer.alloc(65_536);
  for (;;) {
    const length = readSync(socket, answer);
    for (let at = 0; at + NETFILTER_HEADER <= length;) {
      const message = answer.subarray(at, at + answer.readUInt32LE(at));
      if (message.readUInt16LE(4) === NLMSG_DONE) return flows;
      checkAnswer(message, 'IPCTNL_MSG_CT_GET');
      const flow = flowIn(message);
      if (flow !== undefined) flows.push(flow);
      at += (message.length + 3) & ~3;
    }
  }
}

/** undefined for what is no flow of IPv4 or IPv6. */
export function flowIn(message: Buffer): Flow | undefined {
  // The next answer is read into the same buffer.
  const found = attributesOf(Buffer.from(message.subarray(NETFILTER_HEADER)));
  const original = found.get(CTA_TUPLE_ORIG);
  const reply = found.get(CTA_TUPLE_REPLY);
  if (original === undefined || reply === undefined) return undefined;
  const ip = partOf(original, CTA_TUPLE_IP);
  const protocol = partOf(original, CTA_TUPLE_PROTO);
  const answers = partOf(reply, CTA_TUPLE_IP);
  const source = addressIn(ip.get(CTA_IP_V4_SRC) ?? ip.get(CTA_IP_V6_SRC));
  const destination = addressIn(ip.get(CTA_IP_V4_DST) ?? ip.get(CTA_IP_V6_DST));
  const answerer = addressIn(answers.get(CTA_IP_V4_SRC) ?? answers.get(CTA_IP_V6_SRC));
  if (source === undefined || destination === undefined || answerer === undefined) return undefined;
  return {
    protocol: protocol.get(CTA_PROTO_NUM)?.[0] ?? 0,
    ...{ source, destination, answerer },
    port: protocol.get(CTA_PROTO_DST_PORT)?.readUInt16BE() ?? 0,
    status: found.get(CTA_STATUS)?.readUInt32BE() ?? 0,
    handle: [
      nested(CTA_TUPLE_ORIG, original),
      ...[CTA_ID, CTA_ZONE].flatMap((type) => {
        const value = found.get(type);
        return value === undefined ? [] : [attribute(type, value)];
      }),
    ],
  };
}

const partOf = (tuple: Buffer, type: number): ReadonlyMap<number, Buffer> =>
  attributesOf(attributesOf(tuple).get(type) ?? Buffer.alloc(0));

const addressIn = (bytes: Buffer | undefined): string | undefined =>
  bytes?.length === 4
    ? bytes.join('.')
    : bytes?.length === 16
      ? formatIpv6(BigInt(`0x${bytes.toString('hex')}`))
      : undefined;

const isEvery = (hostIp: string): boolean => hostIp === '0.0.0.0' || hostIp === '::';

export function isOf({ protocol, source, destination, port, answerer, status }: Flow, of: FlowsOf): boolean {
  if ('address' in of) return source === of.address || answerer === of.address;
  // Whose source alone was changed is on its way through this host: a query of a container's to a server out there.
  if (protocol !== UDP || (status & (IPS_SRC_NAT | IPS_DST_NAT)) === IPS_SRC_NAT) return false;
  return of.udp.some(
    ({ hostIp, first, count }) =>
      port >= first &&
      port < first + count &&
      (hostIp === destination || (isEvery(hostIp) && familyOf(hostIp) === familyOf(destination))),
  );
}
