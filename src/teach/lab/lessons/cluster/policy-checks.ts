/**
 * Who reaches whom, for the lesson network-policy. The kernel's counters of both sides decide, not the time that a
 * request takes: a slow machine neither denies a connection nor makes one.
 */
import type { LabHost, Requirement } from '../../lesson.ts';
import { CLOSED, countIn, leaves, nothingArrives, type Attempt } from '../packets.ts';
import { fetchTwice } from '../scenery.ts';

export const ADDRESS = { web: '10.244.1.2', shop: '10.244.2.2', other: '10.244.3.2' } as const;
export type Pod = keyof typeof ADDRESS;
const PODS: readonly Pod[] = ['web', 'shop', 'other'];

type Try = readonly [from: Pod, to: Pod, port: number];
const url = ([, to, port]: Try): string => `http://${ADDRESS[to]}:${String(port)}/`;

/** Seconds for a connection; more only where the counters do not tell, since not all was sent or accepted in time. */
const WAITS = [0.5, 1, 4] as const;

/** All of the first pages come, asked for side by side. */
export const gets = (text: string, ...pairs: readonly (readonly [from: Pod, to: Pod])[]): Requirement => ({
  text,
  holds: async (host) => {
    const tries = pairs.map(([from, to]): Try => [from, to, 80]);
    // First, since a page that does not come takes longer.
    if (!(await areAllowed(host, tries))) return false;
    const before = await opens(host);
    const bodies = await Promise.all(tries.map((each) => fetchTwice(host, url(each), each[0])));
    const grown = await growth(host, before);
    return tries.every(
      ([, to], index) =>
        bodies[index]?.includes(`the page of ${to}`) === true &&
        grown[to].accepted >= tries.filter(([, other]) => other === to).length,
    );
  },
});

/** No connection comes about, though each was asked for, while the host gets the same pages. */
export const denied = (text: string, ...tries: readonly Try[]): Requirement => ({
  text: `${text}, while the host still gets the pages`,
  holds: async (host) => {
    for (const seconds of WAITS) {
      const verdict = await areDenied(host, tries, seconds);
      if (verdict !== undefined) return verdict;
    }
    return false;
  },
  found: async (host) => {
    for (const seconds of WAITS) {
      const open = (await connect(host, tries, seconds)).map(
        ([from, to, port]) => `from ${from} to port ${String(port)} of ${to}`,
      );
      if (open.length > 0) return `connections ${open.join(' and ')}`;
    }
    return undefined;
  },
});

/** The same is true of ports where nobody listens, over TCP and UDP. */
export const closed = (
  { text, holds, found }: Requirement,
  ...pairs: readonly (readonly [from: Pod, to: Pod])[]
): Requirement => ({
  text,
  holds: async (host) => (await holds(host)) && (await firstOpen(host, pairs)) === undefined,
  found: async (host) => (await found?.(host)) ?? firstOpen(host, pairs),
});

/** What a pod does not send shows nothing of the node. */
async function firstOpen(
  host: LabHost,
  pairs: readonly (readonly [from: Pod, to: Pod])[],
): Promise<string | undefined> {
  for (const [from, to] of pairs) {
    for (const protocol of ['tcp', 'udp'] as const) {
      const attempt: Attempt = { from, to, address: ADDRESS[to], protocol, ports: CLOSED[protocol] };
      if (!(await leaves(host, attempt)))
        return `${from} itself sends nothing to ${to}: the node is to stop it`;
      if (!(await nothingArrives('', [attempt]).holds(host))) {
        return `packets from ${from} to another port of ${to}, over ${protocol.toUpperCase()}`;
      }
    }
  }
  return undefined;
}

async function areAllowed(host: LabHost, tries: readonly Try[]): Promise<boolean> {
  for (const seconds of WAITS) {
    const began = Date.now();
    const before = await opens(host);
    const open = await connect(host, tries, seconds);
    if (open.length === tries.length) return true;
    // An immediate "No route to host" is the result of an earlier neighbour lookup; the next try asks again.
    if (seconds === WAITS[0] && Date.now() - began < 1000 * seconds) continue;
    const grown = await growth(host, before);
    const isClear = PODS.every(
      (pod) =>
        grown[pod].asked >= tries.filter(([from]) => from === pod).length &&
        grown[pod].accepted === open.filter(([, to]) => to === pod).length,
    );
    if (isClear) return false;
  }
  return false;
}

/**
 * Each sender has asked, and each server has accepted nobody but the host. undefined where the counters do not tell:
 * not all was sent, or somebody else has connected meanwhile.
 */
async function areDenied(
  host: LabHost,
  tries: readonly Try[],
  seconds: number,
): Promise<boolean | undefined> {
  const before = await opens(host);
  if ((await connect(host, tries, seconds)).length > 0) return false;
  // The host's requests are later than the tries: what was let through has come by then.
  const pages = [...new Map(tries.map((each) => [url(each), each])).values()];
  const bodies = await Promise.all(pages.map((page) => fetchTwice(host, url(page))));
  if (bodies.includes(undefined)) return false;
  const grown = await growth(host, before);
  const isClear = PODS.every(
    (pod) =>
      grown[pod].asked >= tries.filter(([from]) => from === pod).length &&
      grown[pod].accepted === pages.filter(([, to]) => to === pod).length,
  );
  return isClear ? true : undefined;
}

/** Opens all at once. Returns those that came about. */
async function connect(host: LabHost, tries: readonly Try[], seconds: number): Promise<readonly Try[]> {
  const each = tries.map(([from, to, port], index) => {
    const open = `exec 3<>/dev/tcp/${ADDRESS[to]}/${String(port)}`;
    return `nsenter --net=/run/netns/${from} timeout ${String(seconds)} bash -c '${open}' && echo ${String(index)} &`;
  });
  const { stdout } = await host.run(['bash', '-c', `${each.join('\n')}\nwait`]);
  const open = new Set(stdout.split('\n'));
  return tries.filter((_, index) => open.has(String(index)));
}

/** How many connections each pod has asked for, and how many it has accepted. */
type Opens = Readonly<Record<Pod, { readonly asked: number; readonly accepted: number }>>;

async function opens(host: LabHost): Promise<Opens> {
  const of = async (netns: Pod): Promise<Opens[Pod]> => {
    const { stdout } = await host.run(['cat', '/proc/net/snmp'], { netns });
    return {
      asked: countIn(stdout, 'Tcp', 'ActiveOpens'),
      accepted: countIn(stdout, 'Tcp', 'PassiveOpens'),
    };
  };
  const [web, shop, other] = await Promise.all([of('web'), of('shop'), of('other')]);
  return { web, shop, other };
}

async function growth(host: LabHost, before: Opens): Promise<Opens> {
  const after = await opens(host);
  const of = (pod: Pod): Opens[Pod] => ({
    asked: after[pod].asked - before[pod].asked,
    accepted: after[pod].accepted - before[pod].accepted,
  });
  return { web: of('web'), shop: of('shop'), other: of('other') };
}
