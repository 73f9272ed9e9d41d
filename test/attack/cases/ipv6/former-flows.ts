/**
 * conntrack keeps a flow while somebody sends. Who spoke with a container by IPv6 goes on when that has gone, and hopes to
 * reach the next one, which has its address and has published nothing.
 */
import { listen } from '../../../support/host/forger.ts';
import type { Where } from '../../../support/host/host.ts';
import { giveIpv6, HOST_ADDRESS6, OUTSIDE_ADDRESS6 } from '../../../support/host/ipv6.ts';
import type { AttackCase, Stage } from '../../case.ts';
import { evidence, must, start, type Container } from '../network.ts';

export const PORT = 7779;
const FROM = 2345;
const BUN = ['env', 'BUN_BE_BUN=1', process.execPath, '-e'];

/** One datagram from a port that does not change: all are of one flow. */
export async function send(
  stage: Stage,
  where: Where,
  text: string,
  from: number,
  to: string,
): Promise<void> {
  const script = `const socket = require('node:dgram').createSocket('udp6');
    socket.bind(${String(from)}, () => socket.send('${text}', ${String(PORT)}, '${to}', () => socket.close()))`;
  const argv = [...BUN, script];
  const { host } = stage;
  await must(where === 'outside' ? host.outside(argv) : host.run(argv));
}

/** Sends again and again to whom the first datagram came from. */
const INSISTS = `const socket = require('node:dgram').createSocket('udp6');
  socket.once('message', (_, { address, port }) => {
    console.log('asked');
    setInterval(() => socket.send('forged', port, address), 10);
  });
  socket.bind(${String(FROM)}, () => console.log('listening'));`;

const ASKS = `const socket = require('node:dgram').createSocket('udp6');
  socket.bind(${String(PORT)}, () => socket.send('a question', ${String(FROM)}, '${OUTSIDE_ADDRESS6}', () => socket.close()));`;

/** `meet` is what goes on while the first one is there, `insist` what is tried on the second. */
async function succession(
  stage: Stage,
  flags: readonly string[],
  meet: (first: Container) => Promise<void>,
  insist: () => Promise<void>,
): Promise<string | undefined> {
  const { host } = stage;
  const image = await stage.image({ files: {} });
  const network = ['--network', 'six'];
  const first = await start(stage, 'first6', image, [...network, ...flags]);
  await meet(first);
  await must(stage.minidock('rm', '-f', 'first6'));
  const second = await start(stage, 'second6', image, network);
  if (second.address6 !== first.address6) throw new Error('the second has another address');
  const service = await listen(host, second.where, PORT, '::');
  await insist();
  await send(stage, 'host', 'honest', 4321, second.address6);
  await service.heard('honest');
  await service.close();
  await must(stage.minidock('rm', '-f', 'second6'));
  return evidence(service.all().filter((line) => !line.startsWith('honest')));
}

async function withNetwork(stage: Stage): Promise<void> {
  await giveIpv6(stage.host);
  await must(stage.minidock('network', 'create', '--ipv6', 'six'));
}

export const formerFlow6Cases: readonly AttackCase[] = [
  {
    name: 'ipv6-client-of-a-former-port',
    story: 'A client of a UDP port that a container had published sends on to the next one with its address.',
    attack: async (stage) => {
      await withNetwork(stage);
      const ask = (): Promise<void> => send(stage, 'outside', 'forged', FROM, HOST_ADDRESS6);
      const meet = async (first: Container): Promise<void> => {
        const service = await listen(stage.host, first.where, PORT, '::');
        await ask();
        await service.heard('forged');
        await service.close();
      };
      return await succession(stage, ['-p', `[::]:${String(PORT)}:${String(PORT)}/udp`], meet, ask);
    },
  },
  {
    name: 'ipv6-answers-to-a-former-container',
    story:
      'A machine that a container has asked by way of NAT66 sends on, and reaches the next one with its address.',
    attack: async (stage) => {
      await withNetwork(stage);
      const machine = stage.host.spawn([...BUN, INSISTS], 'outside');
      try {
        await machine.waitForOutput(/listening/);
        const meet = async (first: Container): Promise<void> => {
          await must(stage.host.inNetns(first.where.netns, [...BUN, ASKS]));
          await machine.waitForOutput(/asked/);
        };
        return await succession(stage, [], meet, () => Promise.resolve());
      } finally {
        machine.kill();
        await machine.exited;
      }
    },
  },
];
