import { expect, test } from '@jest/globals';
import packet from 'dns-packet';
import {
  fitDatagram,
  isFailure,
  isReplyTo,
  RCODE,
  readQuery,
  reversedAddress,
  writeAnswer,
  writeRefusal,
  type Query,
} from '../../../../../src/engine/dns/message.ts';

const query = (name: string, type: packet.RecordType = 'A', more: Partial<packet.Packet> = {}): Buffer =>
  packet.encode({
    type: 'query',
    id: 4711,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
    ...more,
  });
const edns = (udpPayloadSize: number): Partial<packet.Packet> => ({
  additionals: [
    {
      ...{ type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion: 0 },
      ...{ flags: 0, flag_do: false, options: [] },
    },
  ],
});
const read = (bytes: Buffer): Query => {
  const found = readQuery(bytes);
  if (found === undefined || 'refusal' in found) throw new Error(JSON.stringify(found));
  return found;
};

test('a name is read in lower case and without its last dot; the answer repeats it as it was asked', () => {
  const asked = read(query('Web.Example'));
  expect(asked).toMatchObject({ name: 'web.example', type: 'A', size: 512 });
  const reply = packet.decode(writeAnswer(asked, [{ type: 'A', data: '192.0.2.7' }]));
  expect(reply).toMatchObject({ id: 4711, type: 'response', rcode: 'NOERROR', flag_rd: true, flag_ra: true });
  expect(reply.questions).toEqual([{ name: 'Web.Example', type: 'A', class: 'IN' }]);
  expect(reply.answers).toMatchObject([{ name: 'Web.Example', type: 'A', data: '192.0.2.7', ttl: 600 }]);
});

test('a name without a record of the type is no error', () => {
  const reply = packet.decode(writeAnswer(read(query('web', 'AAAA')), []));
  expect(reply).toMatchObject({ rcode: 'NOERROR', answers: [] });
});

test('EDNS: the size is taken between 512 and 4096, and answered with an OPT record', () => {
  expect(read(query('web', 'A', edns(1232))).size).toBe(1232);
  expect(read(query('web', 'A', edns(100))).size).toBe(512);
  expect(read(query('web', 'A', edns(65_000))).size).toBe(4096);
  const reply = packet.decode(writeAnswer(read(query('web', 'A', edns(1232))), []));
  expect(reply.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 4096 }]);
  expect(packet.decode(writeAnswer(read(query('web')), [])).additionals).toEqual([]);
});

test('what does not fit a datagram is cut to its question, which asks to come back by TCP', () => {
  const many = Array.from({ length: 40 }, (_, at) => ({ type: 'A' as const, data: `192.0.2.${String(at)}` }));
  const whole = writeAnswer(read(query('web')), many);
  expect(fitDatagram(whole, 4096)).toBe(whole);
  const cut = fitDatagram(whole, 512);
  expect(cut.length).toBeLessThan(64);
  expect(packet.decode(cut)).toMatchObject({
    id: 4711,
    flag_tc: true,
    answers: [],
    questions: [{ name: 'web' }],
  });
});

test.each([
  [
    'an answer',
    packet.encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'web' }] }),
    undefined,
  ],
  ['half a header', query('web').subarray(0, 11), undefined],
  ['an update', packet.encode({ type: 'query', flags: 5 << 11, questions: [] }), RCODE.notImplemented],
  ['no question', packet.encode({ type: 'query', questions: [] }), RCODE.formatError],
  [
    'two questions',
    packet.encode({
      type: 'query',
      questions: [
        { type: 'A', name: 'a' },
        { type: 'A', name: 'b' },
      ],
    }),
    RCODE.formatError,
  ],
  ['a question that is cut off', query('web').subarray(0, 15), RCODE.formatError],
  [
    'a name that points at itself',
    Buffer.concat([query('web').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
    RCODE.formatError,
  ],
])('%s is no query', (_, bytes, refusal) => {
  const found = readQuery(bytes);
  expect(found).toEqual(refusal === undefined ? undefined : { refusal });
  if (refusal !== undefined)
    expect(packet.decode(writeRefusal(bytes, refusal)).id).toBe(bytes.readUInt16BE(0));
});

test('a refusal repeats the octets of the question, whatever they are', () => {
  const bytes = query('web');
  bytes.set([0xff, 0x2e, 0x00], 13);
  const reply = writeRefusal(bytes, RCODE.serverFailure);
  expect(reply.subarray(12)).toEqual(bytes.subarray(12));
  expect(reply.readUInt16BE(2) & 0x800f).toBe(0x8002);
});

test('random octets never throw', () => {
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 0x7fffffff);
  for (let round = 0; round < 5000; round++) {
    const bytes = query('a.b.web', 'A', edns(1232));
    for (let changes = random() % 8; changes >= 0; changes--)
      bytes[random() % bytes.length] = random() & 0xff;
    const found = readQuery(bytes);
    if (found === undefined) continue;
    if ('refusal' in found) writeRefusal(bytes, found.refusal);
    else writeAnswer(found, [{ type: 'A', data: '192.0.2.1' }]);
    isReplyTo(bytes, query('a.b.web'));
  }
});

test('an answer belongs to a query by its number and its question', () => {
  const asked = query('web.example');
  const reply = (id: number, name: string): Buffer =>
    packet.encode({ type: 'response', id, questions: [{ type: 'A', name }] });
  expect(isReplyTo(reply(4711, 'WEB.example'), asked)).toBe(true);
  expect(isReplyTo(reply(4712, 'web.example'), asked)).toBe(false);
  expect(isReplyTo(reply(4711, 'bad.example'), asked)).toBe(false);
  expect(isReplyTo(asked, asked)).toBe(false);
});

test('reverse names', () => {
  expect(reversedAddress('7.2.0.192.in-addr.arpa')).toBe('192.0.2.7');
  expect(reversedAddress(`${'7.0.0.0.'.padEnd(48, '0.')}8.b.d.0.1.0.0.2.ip6.arpa`)).toBe('2001:db8::7');
  expect(reversedAddress('107.102.100.192.in-addr.arpa')).toBe('192.100.102.107');
  const six = `${'7.0.0.0.'.padEnd(48, '0.')}8.b.d.0.1.0.0.2.ip6.arpa`;
  const four = '7.2.0.192.in-addr.arpa';
  for (const name of ['web.example', `1.${four}`, `${four}.example`, `1.${six}`, `${six}.example`])
    expect(reversedAddress(name)).toBeUndefined();
});

test('a query that is longer than any question, or promises many records, is refused before it is read', () => {
  const long = Buffer.concat([query('web'), Buffer.alloc(4096)]);
  const promising = query('web');
  for (const at of [6, 8, 10]) promising.writeUInt16BE(0xffff, at);
  for (const bytes of [long, promising]) expect(readQuery(bytes)).toEqual({ refusal: RCODE.formatError });
});

test('sixteen records beside the question are read, seventeen are not, in whichever section', () => {
  const records = (count: number): packet.Answer[] =>
    Array.from({ length: count }, () => ({ type: 'A', name: 'a', data: '192.0.2.1' }));
  for (const section of ['answers', 'authorities', 'additionals'] as const) {
    expect(read(query('web', 'A', { [section]: records(16) })).name).toBe('web');
    expect(readQuery(query('web', 'A', { [section]: records(17) }))).toEqual({ refusal: RCODE.formatError });
  }
});

test('a query of 4096 octets is read, a longer one is not', () => {
  const short = query('web');
  const padded = (length: number): Buffer => Buffer.concat([short, Buffer.alloc(length - short.length)]);
  expect(read(padded(4096)).name).toBe('web');
  expect(readQuery(padded(4097))).toEqual({ refusal: RCODE.formatError });
});

test('the root has no name; a class besides that of the internet is a type of its own', () => {
  expect(read(query('.')).name).toBe('');
  expect(read(query('', 'A', { questions: [{ type: 'A', name: 'web', class: 'CH' }] })).type).toBe(
    'other class',
  );
});

test('only a query that has an OPT record gets one', () => {
  const additionals: packet.Answer[] = [{ type: 'A', name: 'a', data: '192.0.2.1' }];
  expect(packet.decode(writeAnswer(read(query('web', 'A', { additionals })), [])).additionals).toEqual([]);
  const [opt] = packet.decode(writeAnswer(read(query('web', 'A', edns(1232))), [])).additionals ?? [];
  expect(opt).toMatchObject({ flags: 0, flag_do: false });
});

test('an answer that just fits a datagram stays whole', () => {
  const whole = writeAnswer(read(query('web')), [{ type: 'A', data: '192.0.2.7' }]);
  expect(fitDatagram(whole, whole.length)).toBe(whole);
  expect(fitDatagram(whole, whole.length - 1)).not.toBe(whole);
});

test('a refusal ends with its question, also where the name is a pointer', () => {
  const plain = query('web.example');
  expect(writeRefusal(query('web.example', 'A', edns(1232)), RCODE.refused)).toHaveLength(plain.length);
  const pointer = Buffer.concat([
    plain.subarray(0, 12),
    Buffer.from([0xc0, 12, 0, 1, 0, 1]),
    Buffer.alloc(400),
  ]);
  expect(writeRefusal(pointer, RCODE.refused)).toHaveLength(18);
  expect(writeRefusal(plain.subarray(0, 15), RCODE.refused)).toHaveLength(15);
});

test('a reply without a question answers what it has the number of; less than a header is none', () => {
  const asked = query('web.example');
  const refusal = writeRefusal(asked, RCODE.formatError);
  expect(refusal).toHaveLength(12);
  expect(isReplyTo(refusal, asked)).toBe(true);
  expect(isReplyTo(refusal.subarray(0, 11), asked)).toBe(false);
  expect(isReplyTo(Buffer.alloc(0), asked)).toBe(false);
});

test('SERVFAIL, NOTIMP and REFUSED are failures; no name and a wrong format are answers', () => {
  const asked = query('web');
  expect([0, 1, 2, 3, 4, 5].map((code) => isFailure(writeRefusal(asked, code)))).toEqual([
    false,
    false,
    true,
    false,
    true,
    true,
  ]);
});
