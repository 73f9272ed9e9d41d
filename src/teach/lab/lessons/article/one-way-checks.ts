/**
 * What the rules of the lesson article-one-way-forward have counted, and whether an answer can pass them at all: where
 * it cannot, the lesson's check sends nothing, since its own packet would be counted as the learner's.
 */
import type { LabHost } from '../../lesson.ts';
import { CLOSED, fromPort80, nothingArrives, type Attempt } from '../packets.ts';

/** The request was accepted, and then something was dropped. */
export async function answerDropped(host: LabHost): Promise<boolean> {
  const { stdout } = await host.run(['iptables', '-nvxL', 'FORWARD']);
  return /policy DROP [1-9]/.test(stdout) && /^\s*[1-9]\d*\s+\d+\s+ACCEPT\b.*192\.168\.15\.1 /m.test(stdout);
}

/** FORWARD has its policy and one rule, towards red; the redirection is this one, as `iptables -S` prints it. */
export async function acceptsOnlyRequests(host: LabHost, redirection: string): Promise<boolean> {
  const rules = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await host.run(['iptables', ...words])).stdout.trim().split('\n');
  const [policy, accept = '', ...others] = await rules('-S', 'FORWARD');
  const redirections = await rules('-t', 'nat', '-S', 'PREROUTING');
  return (
    policy === '-P FORWARD DROP' &&
    accept.startsWith('-A FORWARD -d 192.168.15.1/32 ') &&
    others.length === 0 &&
    redirections.join('\n') === `-P PREROUTING ACCEPT\n${redirection}`
  );
}

const OTHER_PORTS: readonly Attempt[] = [
  {
    protocol: 'tcp',
    from: 'outside',
    to: 'red',
    address: '192.168.15.1',
    ports: [82, ...CLOSED.tcp],
  },
  { protocol: 'udp', from: 'outside', to: 'red', address: '192.168.15.1', ports: CLOSED.udp },
  {
    protocol: 'tcp',
    from: 'outside',
    to: 'red',
    address: '192.168.15.1',
    ports: [82, ...CLOSED.tcp],
    alone: true,
  },
];

/** Outside has a route to red, and may send from the port of a server: no answer to anything all the same. */
export const staysClosed = (host: LabHost): Promise<boolean> =>
  fromPort80(host, { netns: 'outside', address: '192.168.15.1' }, () =>
    nothingArrives('', OTHER_PORTS).holds(host),
  );
