/**
 * conntrack remembers for a flow what was decided for its first packet, for as long as somebody goes on sending. What
 * was meant for a container that has gone must not come to the one that has its address next.
 */
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { listen, type Listener } from '../../support/host/forger.ts';
import { HOST_ADDRESS, OUTSIDE_ADDRESS, type Where } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ iptables: true });
const { ok } = engine;

const PORT = 5353;
const FROM = 1234;
/** A client's port that no flow has been from. */
let clients = 2000;

interface Running {
  readonly where: { readonly netns: string };
  readonly address: string;
}

async function start(name: string, ...flags: readonly string[]): Promise<Running> {
  const id = await ok('run', '-d', '--name', name, ...flags, 'test', 'sleep', '100');
  return {
    where: { netns: `md-${id.slice(0, 12)}` },
    address: await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name),
  };
}

/** One datagram from a fixed port, so that each belongs to the same flow. */
async function send(where: Where, text: string, from: number, address: string, to: number): Promise<void> {
  const script = `const socket = require('node:dgram').createSocket('udp4');
    socket.bind(${from}, () => socket.send(${JSON.stringify(text)}, ${to}, '${address}', () => socket.close()))`;
  const argv = ['env', 'BUN_BE_BUN=1', process.execPath, '-e', script];
  const { host } = engine;
  await succeed(
    where === 'host'
      ? host.run(argv)
      : where === 'outside'
        ? host.outside(argv)
        : host.inNetns(where.netns, argv),
  );
}

/** What has come by the time that a datagram of the host's own has. */
async function heardBy(listener: Listener, { address }: Running): Promise<readonly string[]> {
  await send('host', 'from the host', 4321, address, PORT);
  await listener.heard('from the host');
  return listener.all().filter((line) => !line.startsWith('from the host'));
}

const firewalls = ['nftables', 'iptables'] as const;

test.each(firewalls)(
  'a client of a published UDP port does not reach who has the address next, with %s',
  async (firewall) => {
    const first = await start('first', '--firewall', firewall, '-p', `${PORT}:${PORT}/udp`);
    const there = await listen(engine.host, first.where, PORT);
    const client = clients++;
    await send('outside', 'asked for', client, HOST_ADDRESS, PORT);
    await there.heard('asked for');
    await there.close();
    await ok('rm', '-f', 'first');
    const second = await start('second', '--firewall', firewall);
    expect(second.address).toBe(first.address);
    const listener = await listen(engine.host, second.where, PORT);
    await send('outside', 'not for the second', client, HOST_ADDRESS, PORT);
    expect(await heardBy(listener, second)).toEqual([]);
    await listener.close();
    await ok('rm', '-f', 'second');
  },
);

test.each(firewalls)(
  'a client that was there before reaches a UDP port once it is published, with %s',
  async (firewall) => {
    // Somebody has to make conntrack begin.
    await ok('run', '--rm', '--firewall', firewall, 'test', 'true');
    const client = clients++;
    await send('outside', 'too early', client, HOST_ADDRESS, PORT);
    const web = await start('web', '--firewall', firewall, '-p', `${PORT}:${PORT}/udp`);
    const listener = await listen(engine.host, web.where, PORT);
    await send('outside', 'in time', client, HOST_ADDRESS, PORT);
    await listener.heard('in time');
    await listener.close();
    await ok('rm', '-f', 'web');
  },
);

/** Somebody outside who answers the first datagram again and again, wherever it came from. */
const ANSWERS = `const socket = require('node:dgram').createSocket('udp4');
  socket.once('message', (_, { address, port }) => {
    console.log('asked');
    setInterval(() => socket.send('an answer', port, address), 20);
  });
  socket.bind(${FROM}, () => console.log('listening'));`;

async function whileAnswered(asker: Running, during: () => Promise<void>): Promise<void> {
  const argv = ['env', 'BUN_BE_BUN=1', process.execPath, '-e', ANSWERS];
  const answering = engine.host.spawn(argv, 'outside');
  try {
    await answering.waitForOutput(/listening/);
    await send(asker.where, 'a question', PORT, OUTSIDE_ADDRESS, FROM);
    await answering.waitForOutput(/asked/);
    await during();
  } finally {
    answering.kill();
    await answering.exited;
  }
}

test('who has been asked by the last container does not reach the next one', async () => {
  const first = await start('first');
  await whileAnswered(first, async () => {
    await ok('rm', '-f', 'first');
    const second = await start('second');
    expect(second.address).toBe(first.address);
    const listener = await listen(engine.host, second.where, PORT);
    expect(await heardBy(listener, second)).toEqual([]);
    await listener.close();
  });
  await ok('rm', '-f', 'second');
});

test('the flows of others stay', async () => {
  const asker = await start('asker');
  await whileAnswered(asker, async () => {
    // Published beside it, and made anew: each forgets flows of its own.
    await start('beside', '-p', `${FROM}:${FROM}/udp`);
    await ok('rm', '-f', 'beside');
    await start('beside', '-p', `${PORT}:${PORT}/udp`);
    const listener = await listen(engine.host, asker.where, PORT);
    await listener.heard('an answer');
    await listener.close();
  });
  await ok('rm', '-f', 'asker', 'beside');
});
