/**
 * A DNS client and a DNS server for tests, run by Bun inside a namespace:
 *
 *     dns-driver.ts ask SERVER JSON        [{name, type, tcp, size}] in, the answers as JSON out, one line each
 *     dns-driver.ts serve ADDRESS MODE     answers every A query with 192.0.2.99 and says what it was asked
 *
 * MODE: `answer`; `refuse` (SERVFAIL); `silent`; `large` (more than 512 octets of TXT, by TCP only).
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import packet from 'dns-packet';

interface Asked {
  readonly name: string;
  readonly type?: packet.RecordType;
  readonly tcp?: boolean;
  /** EDNS. */
  readonly size?: number;
  /** Octets instead of a query, in hexadecimal. */
  readonly raw?: string;
}

const PATIENCE = 6000;
const [verb, ...words] = process.argv.slice(2);
if (verb === 'ask')
  for (const one of JSON.parse(words[1] ?? '[]') as Asked[]) console.log(await ask(words[0] ?? '', one));
else serve(words[0] ?? '', words[1] ?? 'answer');

function encode({ name, type = 'A', size, raw }: Asked): Buffer {
  if (raw !== undefined) return Buffer.from(raw, 'hex');
  const opt: packet.OptAnswer = {
    ...{ type: 'OPT', name: '.', extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
    udpPayloadSize: size ?? 0,
  };
  return packet.encode({
    ...{ type: 'query', id: Math.floor(Math.random() * 65_536), flags: packet.RECURSION_DESIRED },
    questions: [{ type, name }],
    ...(size === undefined ? {} : { additionals: [opt] }),
  });
}

async function ask(server: string, asked: Asked): Promise<string> {
  const query = encode(asked);
  const bytes = await (asked.tcp === true ? overTcp(server, query) : overUdp(server, query));
  if (bytes === undefined) return '"no answer"';
  const { answers = [], additionals = [], flag_tc: cut } = packet.decode(bytes);
  const rcode = (bytes[3] ?? 0) & 0xf;
  const data = answers.map((answer) => String((answer as { data?: unknown }).data));
  return JSON.stringify({
    rcode,
    data,
    ...(cut ? { cut } : {}),
    ...(additionals.length > 0 ? { edns: true } : {}),
  });
}

function overUdp(server: string, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (bytes?: Buffer): void => {
      clearTimeout(timer);
      socket.close();
      resolve(bytes);
    };
    const timer = setTimeout(end, PATIENCE);
    socket.on('message', (bytes) => end(bytes)).on('error', () => end());
    socket.send(query, 53, server);
  });
}

function overTcp(server: string, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const socket = connect(53, server, () => socket.write(prefixed(query)));
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
      resolve(held.subarray(2));
      socket.destroy();
    });
    socket.on('error', () => undefined).on('close', () => resolve(undefined));
  });
}

function prefixed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function serve(address: string, mode: string): void {
  const answer = (query: Buffer, tcp: boolean): Buffer | undefined => {
    const { id = 0, questions = [] } = packet.decode(query);
    const [question] = questions;
    if (question === undefined) return undefined;
    console.log(`asked ${tcp ? 'tcp' : 'udp'} ${question.name} ${question.type}`);
    if (mode === 'silent') return undefined;
    if (mode === 'refuse') return packet.encode({ type: 'response', id, flags: 2, questions });
    if (mode === 'large' && !tcp)
      return packet.encode({ type: 'response', id, flags: packet.TRUNCATED_RESPONSE, questions });
    const text = {
      type: 'TXT',
      name: question.name,
      data: Array.from({ length: 8 }, () => 'x'.repeat(200)),
    } as const;
    const a = { type: 'A', name: question.name, data: '192.0.2.99' } as const;
    return packet.encode({
      type: 'response',
      id,
      flags: packet.RECURSION_AVAILABLE,
      questions,
      answers: [mode === 'large' ? text : a],
    });
  };
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (bytes, from) => {
    const reply = answer(bytes, false);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  const listener = createServer((connection) => {
    connection
      .on('error', () => undefined)
      .on('data', (bytes: Buffer) => {
        const reply = answer(bytes.subarray(2), true);
        if (reply !== undefined) connection.write(prefixed(reply));
      });
  });
  socket.bind(53, address, () => listener.listen(53, address, () => console.log('ready')));
}
