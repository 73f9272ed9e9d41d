/**
 * `lab break`: a lesson made of a number, its seed. The same seed makes the same network with the same fault on every
 * machine, so the number is all that needs to be shared.
 */
import type { LabHost, Lesson } from '../lesson.ts';
import { CLOSED, nothingArrives } from '../lessons/packets.ts';
import { pageComes, puzzle } from '../lessons/scenery.ts';
import { FAULTS } from './faults.ts';
import { diceOf, networkOf, soundNetwork, type Network } from './network.ts';

export const MOST_SEED = 999_999;

export const breakName = (seed: number): string => `break-${String(seed)}`;

/** The seed in a lesson's name; undefined for other lessons. */
export function seedOf(name: string): number | undefined {
  const digits = /^break-(0|[1-9]\d{0,5})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function brokenNetwork(seed: number): Lesson {
  const dice = diceOf(seed);
  const network = networkOf(dice);
  const fault = FAULTS[dice(FAULTS.length)]?.(network, dice);
  if (fault === undefined) throw new RangeError('a fault without a number');
  const { client, near, far, web, db, port } = network;
  const published = `http://203.0.113.2:${String(port)}/`;
  const publish = `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport ${String(port)} -j DNAT --to-destination ${web}:80`;
  return puzzle({
    name: breakName(seed),
    title: `Break it: network ${String(seed)}`,
    story: `Until yesterday this worked: client got the page of web, and so did outside from the published port
${String(port)}. Something has been changed since. You get points for time and for hints you do not need.

    client ${client} -- ${near} host ${far} -- br0 -+- web ${web}
                            |                          +- db  ${db}
                    203.0.113.2 -- outside`,
    setup: [...soundNetwork(network), ...fault.breaks],
    task: `Let client get http://${web}/ and outside ${published}. The firewall stays: client reaches nothing else of web and nothing of db.`,
    hints: [
      `Who is affected? Try both ways, and from the host too: curl --max-time 3 http://${web}/ and ip netns exec client curl --max-time 3 http://${web}/`,
      `Let minidock look: minidock why netns:client '->' ${web}:80, and minidock why netns:outside '->' 203.0.113.2:${String(port)}`,
      fault.look,
    ],
    solution: [{ command: fault.repair.replace('PUBLISH', publish), why: fault.why }],
    requirements: [
      pageComes(`client gets http://${web}/`, `http://${web}/`, 'the page of web', {
        from: 'client',
        by: 'web',
      }),
      pageComes(`outside gets ${published}`, published, 'the page of web', { from: 'outside', by: 'web' }),
      {
        text: 'client reaches nothing else of web, and nothing of db',
        holds: (host) => isGuarded(host, network),
      },
    ],
    epilogue: `Share it: minidock lab break --seed ${String(seed)} is this network with this fault, on every machine.`,
  });
}

const isGuarded = async (host: LabHost, { web, db }: Network): Promise<boolean> =>
  (await nothingArrives('', [
    { protocol: 'tcp', from: 'client', to: 'web', address: web, ports: CLOSED.tcp },
    { protocol: 'icmp', from: 'client', to: 'web', address: web },
  ]).holds(host)) &&
  (await nothingArrives('', [
    { protocol: 'tcp', from: 'client', to: 'db', address: db, ports: [80, ...CLOSED.tcp] },
  ]).holds(host));
