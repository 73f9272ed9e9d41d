/**
 * The resolver of a container: a process of the host that reads what the container sends to 127.0.0.11, keeps some of
 * it, and asks others in its name. It must answer on, stay small, and believe nobody but the server that it asked.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INTERNET_ADDRESS } from '../../support/host/host.ts';
import type { AttackCase, Stage } from '../case.ts';

/** What each program of a container below begins with: queries as bytes, and one that waits for an answer. */
const CLIENT = `
const dgram = require('dgram'), net = require('net'), fs = require('fs');
const SERVER = '127.0.0.11', later = (ms) => new Promise((done) => setTimeout(done, ms));
const header = (id, counts) => { const b = Buffer.alloc(12); [id, 0x100, ...counts].forEach((n, at) => b.writeUInt16BE(n, 2 * at)); return b; };
const question = (name, type = 1) => Buffer.concat([...name.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])), Buffer.from([0, 0, type, 0, 1])]);
const query = (name, id = 7, type = 1) => Buffer.concat([header(id, [1, 0, 0, 0]), question(name, type)]);
const socket = () => new Promise((done) => { const s = dgram.createSocket('udp4'); s.on('error', () => {}); s.bind(0, () => done(s)); });
const send = (s, bytes) => new Promise((done) => s.send(bytes, 53, SERVER, done));
async function ask(name, tries = 20, id = 7, type = 1) {
  const s = await socket();
  const came = new Promise((done) => s.on('message', done));
  for (let n = 0; n < tries; n++) {
    await send(s, query(name, id, type));
    const reply = await Promise.race([came, later(500)]);
    if (reply !== undefined) { s.close(); return { code: reply[3] & 15, answers: reply.readUInt16BE(6), bytes: reply }; }
  }
  s.close();
}
async function connections(count, bytes) {
  const all = [];
  for (let n = 0; n < count; n++) {
    const c = net.connect({ port: 53, host: SERVER });
    c.on('error', () => {}).pause();
    all.push(c);
    await new Promise((done) => c.once('connect', done).once('error', done));
    c.write(bytes);
  }
  return all;
}
const prefixed = (bytes) => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
const told = async (name) => console.log((await ask(name))?.answers > 0 ? 'ANSWERED' : 'SILENT');
`;

/** Descriptors that each process of a victim with few may have; the attack itself needs fewer than its resolver. */
const FEW = 420;
const MANY = 4096;
/** It begins with some 45. */
const MEGABYTES = 110;

interface Attacked {
  readonly id: string;
  /** What the container's program printed, with its end. */
  readonly output: string;
  /** Of the resolver that was there at the end: the most memory it had, in megabytes; 0 for none. */
  readonly memory: number;
  /** What its shim and its resolvers complained of. */
  readonly complaints: string;
}

/** Runs the program in a container called `self` on a network, until it prints DONE. */
async function attackResolver(
  stage: Stage,
  program: string,
  flags: readonly string[] = ['--dns', '203.0.113.1'],
  network: readonly string[] = [],
  prepare: () => Promise<void> = () => Promise.resolve(),
  descriptors = MANY,
): Promise<Attacked> {
  const image = await stage.image({ files: {} });
  await stage.minidock('network', 'create', '--subnet', '10.78.0.0/24', ...network, 'names');
  // Nobody answers there, not even that nobody is there.
  await stage.host.outside(['ip', 'route', 'replace', 'blackhole', '203.0.113.0/24']);
  await prepare();
  const { flags: shared, command } = stage.bun(
    `${CLIENT}(async () => { ${program}\nconsole.log('DONE'); setTimeout(() => {}, 1e9); })();`,
  );
  const own = ['--name', 'self', '--network', 'names'];
  const words = ['run', '-d', ...own, ...flags, ...shared, image, ...command];
  const limited = ['bash', '-c', `ulimit -n ${String(descriptors)}; exec "$0" "$@"`, stage.binary, ...words];
  const { exitCode, stdout, stderr } = await stage.run(limited);
  if (exitCode !== 0) throw new Error(stderr);
  const id = stdout.trim();
  try {
    const output = await stage.host.waitFor(
      async () => {
        const { stdout: said } = await stage.minidock('logs', 'self');
        return said.includes('DONE') ? said : undefined;
      },
      'the program to be done',
      50_000 * stage.patience,
    );
    const log = join(stage.host.root, 'containers', id, 'shim.log');
    return { id, output, memory: resolverMemory(id), complaints: readFileSync(log, 'utf8') };
  } finally {
    await stage.minidock('rm', '-f', 'self');
    await stage.minidock('network', 'rm', 'names');
  }
}

function resolverMemory(id: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const read = (name: string): string => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'utf8');
      } catch {
        return ''; // It has ended.
      }
    };
    const words = read('cmdline');
    if (!words.includes('__resolve') || !words.includes(id.slice(0, 12))) continue;
    return Number(/^VmHWM:\s+(\d+)/m.exec(read('status'))?.[1] ?? 0) / 1024;
  }
  return 0;
}

/** What a resolver must be after anything that its container does to it. */
function judge({ output, memory, complaints }: Attacked): string | undefined {
  if (/internal error|panic/.test(complaints)) return `a resolver died: ${complaints.slice(0, 200)}`;
  if (!output.includes('ANSWERED')) return 'the container’s own name is not answered any more';
  return memory > MEGABYTES ? `the resolver took ${memory.toFixed(0)} MB of the host’s memory` : undefined;
}

/** A name server that notes from which port it is asked, and may answer from another one. Starts once. */
async function nameServer(
  stage: Stage,
  address: string,
  answer = 'server',
): Promise<() => readonly string[]> {
  const dir = join(stage.dir, 'name-server');
  mkdirSync(dir, { recursive: true });
  const [program, notes, ready] = ['server.js', 'notes', 'ready'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(
    program,
    `const dgram = require('dgram'), fs = require('fs');
const other = dgram.createSocket('udp4').bind(5300, '${address}');
const server = dgram.createSocket('udp4').on('message', (asked, { port, address }) => {
  fs.appendFileSync('${notes}', port + '\\n');
  const reply = Buffer.concat([asked, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 6, 6, 6, 6])]);
  reply.writeUInt16BE(0x8180, 2); reply.writeUInt16BE(1, 6); reply.writeUInt16BE(0, 10);
  ${answer}.send(reply, port, address);
});
server.bind(53, '${address}', () => fs.writeFileSync('${ready}', ''));`,
  );
  const where = address === INTERNET_ADDRESS ? 'outside' : 'host';
  stage.host.spawn(['env', 'BUN_BE_BUN=1', process.execPath, program], where);
  await stage.host.waitFor(() => existsSync(ready), 'the name server');
  return () => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').filter(Boolean) : []);
}

/** As many as show that ports are not given in order. */
const PORTS = 12;

export const nameCases: readonly AttackCase[] = [
  {
    name: 'names-descriptors',
    story:
      'holds more connections to its resolver, and asks for more names at once, than it has descriptors.',
    attack: async (stage) =>
      judge(
        await attackResolver(
          stage,
          `const held = await connections(${String(FEW / 3)}, prefixed(query('a.example')));
          const s = await socket();
          for (let n = 0; n < 5000; n++) { await send(s, query('n' + n + '.example', n)); if (n % 100 === 0) await later(5); }
          const more = await connections(${String(FEW / 3)}, prefixed(query('b.example')));
          for (const c of [...held, ...more]) c.destroy();
          await told('self');`,
          undefined,
          undefined,
          undefined,
          FEW,
        ),
      ),
  },
  {
    name: 'names-memory',
    story:
      'asks on and on without reading an answer, with long questions, and with headers that promise much.',
    attack: async (stage) =>
      judge(
        await attackResolver(
          stage,
          `const s = await socket(), end = Date.now() + 6000;
          const promises = Buffer.concat([header(1, [1, 65535, 65535, 65535]), question('self')]);
          const long = Buffer.concat([query('long.example'), Buffer.alloc(60000)]);
          const many = Buffer.concat(Array(100000).fill(prefixed(query('self'))));
          for (let n = 0; n < 1000; n++) { s.send(long, 53, SERVER); if (n % 4 === 0) await later(1); }
          const held = await connections(250, many);
          while (Date.now() < end) { for (let n = 0; n < 50; n++) s.send(promises, 53, SERVER); await later(1); }
          await told('self');
          for (const c of held) c.destroy();`,
        ),
      ),
  },
  {
    name: 'names-malformed',
    story:
      'sends messages that are cut off, changed anywhere, refer to themselves, or are no queries at all.',
    guard: true,
    attack: async (stage) =>
      judge(
        await attackResolver(
          stage,
          `const s = await socket(), bad = (...parts) => Buffer.concat([header(1, [1, 0, 0, 1]), ...parts.map((p) => Buffer.from(p))]);
          const seeds = [query('self'), query('self', 1, 255), query('2.0.18.172.in-addr.arpa', 1, 12), query('__proto__'),
            bad([0xc0, 12, 0, 1, 0, 1]), bad([1, 97, 0xc0, 12, 0, 1, 0, 1]), bad(question('self'), [0, 0, 41, 255, 255, 0, 0, 0, 0, 234, 96]),
            bad(question('self'), [0, 0, 41, 0, 0, 0, 0, 0, 0, 0, 8, 0, 8, 255, 255, 0, 0, 0, 0]), bad([63, ...Array(63).fill(46), 0, 0, 1, 0, 1])];
          let state = 1; const random = (below) => (state = (state * 48271) % 2147483647) % below;
          for (let n = 0; n < 20000; n++) {
            let m = Buffer.from(seeds[n % seeds.length]);
            for (let k = random(4); k > 0 && m.length > 0; k--) if (random(3) > 0) m[random(m.length)] = random(256); else m = m.subarray(0, random(m.length));
            await send(s, m);
            if (n % 100 === 0) await later(5);
          }
          await told('self');`,
        ),
      ),
  },
  {
    name: 'names-out-of-an-internal-network',
    story: 'is on an internal network only, and asks the host’s own name server, which asks the world.',
    cves: ['CVE-2024-29018'],
    short: true,
    guard: true,
    attack: async (stage) => {
      const ofHost = join(stage.dir, 'resolv.conf');
      writeFileSync(ofHost, 'nameserver 127.0.0.1\n');
      await stage.run(['mount', '--bind', ofHost, '/etc/resolv.conf']);
      const notes = await nameServer(stage, '127.0.0.1');
      const program = "await ask('stolen.example', 3); await told('self');";
      await attackResolver(stage, program, []);
      if (notes().length === 0) throw new Error('the server is not asked on other networks either');
      const before = notes().length;
      await attackResolver(stage, program, [], ['--internal']);
      await stage.run(['umount', '/etc/resolv.conf']);
      return notes().length > before ? 'the host’s server was asked' : undefined;
    },
  },
  {
    name: 'names-forged-answers',
    story: 'Somebody who sees the question answers in place of the server, from another port.',
    guard: true,
    attack: async (stage) => {
      let notes: () => readonly string[] = () => [];
      const gateway = '10.78.0.1';
      const prepare = async (): Promise<void> => void (notes = await nameServer(stage, gateway, 'other'));
      const program = "console.log((await ask('bank.example', 12))?.answers > 0 ? 'FORGED' : 'refused');";
      const { output } = await attackResolver(stage, program, ['--dns', gateway], [], prepare);
      if (notes().length === 0) throw new Error('the server was not asked');
      return output.includes('FORGED') ? 'an answer from elsewhere was believed' : undefined;
    },
  },
  {
    name: 'names-predictable-port',
    story: 'Somebody who cannot see the questions counts on the next one to come from the next port.',
    guard: true,
    attack: async (stage) => {
      const notes = await nameServer(stage, INTERNET_ADDRESS);
      const program = `for (let n = 0; n < ${String(PORTS)}; n++) await ask('n' + n + '.example');`;
      await attackResolver(stage, program, ['--dns', INTERNET_ADDRESS]);
      const ports = notes().map(Number);
      if (ports.length < PORTS) throw new Error('the server was not asked');
      const steps = new Set(ports.slice(1).map((port, at) => port - (ports[at] ?? 0)));
      return steps.size < PORTS / 2 ? `the ports were ${ports.join(', ')}` : undefined;
    },
  },
  {
    name: 'names-of-another-network',
    story: 'asks for containers of networks that it is not on: by name, by id, and by address.',
    guard: true,
    attack: async (stage) => {
      const image = await stage.image({ files: {} });
      await stage.minidock('network', 'create', '--subnet', '10.77.0.0/24', 'others');
      const there = ['run', '-d', '--name', 'hidden', '--network', 'others', '--network-alias', 'alias'];
      const { stdout } = await stage.minidock(...there, image, '/bin/sleep', '600');
      const id = stdout.trim().slice(0, 12);
      const names = ['hidden', 'alias', id, 'hidden.others', `${id}.others`].map((name) => `['${name}', 1]`);
      const program = `for (const [name, type] of [${names.join()}, ['2.0.77.10.in-addr.arpa', 12]])
        if ((await ask(name, 12, 7, type))?.answers > 0) console.log('FOUND ' + name);
        await told('self');`;
      const attacked = await attackResolver(stage, program);
      await stage.minidock('rm', '-f', 'hidden');
      await stage.minidock('network', 'rm', 'others');
      return /^FOUND .*/m.exec(attacked.output)?.[0] ?? judge(attacked);
    },
  },
];
