/** Constructors of findings, and the finding about forwarding. */
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Finding, Stage } from './model.ts';
import type { IpLink } from '../host/ip.ts';

export const good = (stage: Stage, text: string, look?: Argv): Finding => ({
  ...{ stage, status: 'ok', code: 'ok', text },
  ...(look === undefined ? {} : { look }),
});

export const bad = (stage: Stage, code: string, text: string, look?: readonly string[]): Finding => ({
  ...{ stage, status: 'stop', code, text },
  ...(look === undefined ? {} : { look: look as Argv }),
});

export const isUp = (link: IpLink): boolean => link.flags.includes('UP');

export function checkForwarding(forwarding: boolean): Finding {
  const show = ['cat', '/proc/sys/net/ipv4/ip_forward'] as const;
  if (forwarding) return good('routing', 'the host forwards (ip_forward is 1)', show);
  return {
    ...bad('routing', 'forwarding-off', 'the host does not forward: ip_forward is 0', show),
    fix: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
  };
}
