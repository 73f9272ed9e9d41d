/**
 * DNS messages (RFC 1035, RFC 6891) as far as a resolver beside a container needs them: a query is read, an answer to
 * it is written. `dns-packet` knows the format; nothing else in the program imports it.
 */
import { canonicalIpv6 } from '../../../runtime/syscall/inet.ts';
import packet from 'dns-packet';

export interface Query {
  /** As it came, to be handed on. */
  readonly bytes: Buffer;
  /** In lower case, without the dot at the end; '' is the root. */
  readonly name: string;
  /** 'A', 'AAAA', 'PTR', or what dns-packet calls it. */
  readonly type: string;
  /** Octets that the sender takes in a datagram. */
  readonly size: number;
}

export interface Answer {
  readonly type: 'A' | 'AAAA' | 'PTR';
  readonly data: string;
}

export const RCODE = { formatError: 1, serverFailure: 2, notImplemented: 4, refused: 5 } as const;

const HEADER = 12;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const TRUNCATED = 0x0200;
/** Without EDNS. */
const PLAIN_SIZE = 512;
const LARGEST = 4096;
/** Octets of a query. Each is kept until its answer is there, and no question needs as many. */
export const LARGEST_QUERY = 4096;
/** Records behind the question, of which EDNS needs one: memory is taken for as many as the header says. */
const MOST_RECORDS = 16;
/** Seconds, as Docker's. */
const TTL = 600;
const INTERNET = 'IN';

/** What to say to a message that is no query one could answer: a code, or nothing at all. */
export type Refusal = { readonly refusal: number } | undefined;

/** Reads one question. Answers, and messages that are too short for a header, get no reply. */
export function readQuery(bytes: Buffer): Query | Refusal {
  if (bytes.length < HEADER) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) !== 0) return undefined;
  if ((flags & OPCODE) !== 0) return { refusal: RCODE.notImplemented };
  const records = [6, 8, 10].reduce((sum, at) => sum + bytes.readUInt16BE(at), 0);
  if (bytes.readUInt16BE(4) !== 1 || records > MOST_RECORDS || bytes.length > LARGEST_QUERY)
    return { refusal: RCODE.formatError };
  try {
    const { questions = [], additionals = [] } = packet.decode(bytes);
    const [question] = questions;
    if (question === undefined) return { refusal: RCODE.formatError };
    const edns = additionals.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined;
    return {
      bytes,
      name: question.name.toLowerCase().replace(/\.$/, ''),
      type: (question.class ?? INTERNET) === INTERNET ? question.type : 'other class',
      size: Math.min(LARGEST, Math.max(PLAIN_SIZE, edns?.udpPayloadSize ?? 0)),
    };
  } catch {
    // Whatever the bytes are, the sender only wants to know that they are no question.
    return { refusal: RCODE.formatError };
  }
}

/** An answer of ours; no records: the name exists and has none of that type. */
export function writeAnswer(query: Query, records: readonly Answer[]): Buffer {
  const asked = packet.decode(query.bytes);
  const [question] = asked.questions ?? [];
  if (question === undefined) throw new Error('a query has a question');
  const edns = asked.additionals?.some(({ type }) => type === 'OPT') === true;
  return packet.encode({
    type: 'response',
    id: asked.id ?? 0,
    flags: (query.bytes.readUInt16BE(2) & RECURSION_DESIRED) | RECURSION_AVAILABLE,
    questions: [question],
    answers: records.map(({ type, data }) => ({ name: question.name, type, ttl: TTL, data })),
    ...(edns ? { additionals: [OPT] } : {}),
  });
}

const OPT: packet.OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: LARGEST,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/** The question alone, with a code; its bytes are those that came, whatever they hold. */
export function writeRefusal(bytes: Buffer, rcode: number): Buffer {
  const end = rcode === RCODE.formatError ? HEADER : endOfQuestion(bytes);
  const reply = Buffer.from(bytes.subarray(0, end));
  reply.writeUInt16BE(
    RESPONSE | (bytes.readUInt16BE(2) & (OPCODE | RECURSION_DESIRED)) | RECURSION_AVAILABLE | rcode,
    2,
  );
  reply.fill(0, 4, HEADER);
  if (end > HEADER) reply.writeUInt16BE(1, 4);
  return reply;
}

/** What fits into a datagram of `size`: the message, or its question with the flag that asks to come back by TCP. */
export function fitDatagram(reply: Buffer, size: number): Buffer {
  if (reply.length <= size) return reply;
  const cut = writeRefusal(reply, 0);
  cut.writeUInt16BE(cut.readUInt16BE(2) | TRUNCATED, 2);
  return cut;
}

/** Of a message whose question has been read, or is an answer to one: a name is labels, then a zero octet. */
function endOfQuestion(bytes: Buffer): number {
  let at = HEADER;
  while (at < bytes.length && bytes[at] !== 0 && (bytes[at] ?? 0) < 0xc0) at += (bytes[at] ?? 0) + 1;
  at += (bytes[at] ?? 0) >= 0xc0 ? 2 : 1;
  return Math.min(at + 4, bytes.length);
}

/** Whether `reply` answers `query`: the same number and the same question. */
export function isReplyTo(reply: Buffer, query: Buffer): boolean {
  if (reply.length < HEADER || reply.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((reply.readUInt16BE(2) & RESPONSE) === 0) return false;
  if (reply.readUInt16BE(4) === 0) return true;
  const end = endOfQuestion(query);
  return (
    reply.subarray(HEADER, end).toString('latin1').toLowerCase() ===
    query.subarray(HEADER, end).toString('latin1').toLowerCase()
  );
}

/** SERVFAIL, NOTIMP, REFUSED: another server may know more. */
export const isFailure = (reply: Buffer): boolean =>
  [RCODE.serverFailure, RCODE.notImplemented, RCODE.refused].includes(((reply[3] ?? 0) & 0xf) as 2);

const V4_REVERSE = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/;
const V6_REVERSE = /^((?:[0-9a-f]\.){32})ip6\.arpa$/;

/** The address that a PTR query is about, IPv6 in eight groups without leading zeros; undefined if about none. */
export function reversedAddress(name: string): string | undefined {
  const v4 = V4_REVERSE.exec(name);
  if (v4 !== null) return v4.slice(1).reverse().join('.');
  const digits = V6_REVERSE.exec(name)?.[1]?.split('.').reverse().join('');
  // In the one form that the names of a network have.
  return digits === undefined ? undefined : canonicalIpv6(digits.replace(/(.{4})(?=.)/g, '$1:'));
}
