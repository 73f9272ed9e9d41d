/** What is different for one client: the way that the host answers it by, and the check of where it came from. */
import { readFileSync } from 'node:fs';
import { bad } from './findings.ts';
import type { Finding } from './model.ts';
import type { Scene } from './observe.ts';

export function checkClientRoute(scene: Scene): readonly Finding[] {
  const { journey, clientAddress, clientRoute, entry, ownWays } = scene;
  if (journey.from.kind !== 'outside') return [];
  if (journey.source === undefined) return ownWays.length === 0 ? [] : [note(ownWays)];
  const get = ['ip', 'route', 'get', clientAddress] as const;
  if (clientRoute === undefined) {
    const text = `the host sends nothing to ${clientAddress}: its routes say so`;
    return [{ ...bad('way back', 'client-route', text, get), fix: `ip route del ${clientAddress}` }];
  }
  if (entry === '' || clientRoute.dev === entry) return [];
  const other = `the host's answers to ${clientAddress} leave by ${clientRoute.dev}`;
  if (isStrict(entry)) {
    const text = `${other}, so the reverse path filter drops what comes from there by ${entry}`;
    const fix = `Mend the route, or let the filter be loose: echo 2 > /proc/sys/net/ipv4/conf/${entry}/rp_filter`;
    return [{ ...bad('routing', 'rp-filter', text, get), fix }];
  }
  const text = `${other}, and it asks by ${entry}`;
  return [{ ...bad('way back', 'client-route', text, get), fix: `ip route del ${clientAddress}` }];
}

function note(ways: readonly string[]): Finding {
  const text = `the host has ways of their own to ${ways.join(', ')}: --from ADDRESS asks as a client from there`;
  return { stage: 'prerouting', status: 'note', code: 'by-client', text, look: ['ip', 'route'] };
}

/** Of both settings the greater counts; 1 is strict (ip-sysctl of the kernel's documentation). */
function isStrict(ifname: string): boolean {
  const read = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name}/rp_filter`, 'utf8'));
    } catch {
      return 0; // The interface has gone.
    }
  };
  return Math.max(read('all'), read(ifname)) === 1;
}
