/**
 * The small network that `lab break` breaks: its addresses come of the seed, everything else is the same each time.
 *
 *     client ---- host ---- br0 -+- web (port 80)        the host publishes web as one of its own ports
 *                   |            +- db
 *                outside
 */
import { bridge, cable, forwarding, namespace, pageAt } from '../lessons/scenery.ts';

export interface Network {
  readonly client: string;
  /** The host, as client sees it. */
  readonly near: string;
  /** The host on br0. */
  readonly far: string;
  readonly web: string;
  readonly db: string;
  readonly port: number;
}

/** A number below the given one. */
export type Dice = (below: number) => number;

/** The same numbers for the same seed, on every machine (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function networkOf(dice: Dice): Network {
  const subnet = `10.${String(20 + dice(200))}`;
  const web = 10 + dice(100);
  return {
    client: `${subnet}.1.2`,
    near: `${subnet}.1.1`,
    far: `${subnet}.2.1`,
    web: `${subnet}.2.${String(web)}`,
    db: `${subnet}.2.${String(web + 100)}`,
    port: 8000 + dice(1000),
  };
}

/** All in order, as shell lines. */
export const soundNetwork = ({ client, near, far, web, db, port }: Network): string[] => [
  ...bridge('br0', `${far}/24`),
  ...namespace('client'),
  ...cable({ netns: 'client', address: `${client}/24`, hostAddress: `${near}/24`, gateway: near }),
  ...namespace('web'),
  ...cable({ netns: 'web', address: `${web}/24`, bridge: 'br0', gateway: far }),
  ...namespace('db'),
  ...cable({ netns: 'db', address: `${db}/24`, bridge: 'br0', gateway: far }),
  ...pageAt('web', 'the page of web'),
  forwarding(true),
  `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport ${String(port)} -j DNAT --to-destination ${web}:80`,
  'iptables -P FORWARD DROP',
  'iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  `iptables -A FORWARD -d ${web} -p tcp --dport 80 -j ACCEPT`,
];
