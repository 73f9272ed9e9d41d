/** Constructors of findings, and the finding about forwarding. */
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Finding, Stage } from './model.ts';
import { FORWARDING, type IpLink } from '../host/ip.ts';
import type { Scene } from './observe.ts';

export const good = (stage: Stage, text: string, look?: Argv): Finding => ({
  ...{ stage, status: 'ok', code: 'ok', text },
  ...(look === undefined ? {} : { look }),
});

export const bad = (stage: Stage, code: string, text: string, look?: readonly string[]): Finding => ({
  ...{ stage, status: 'stop', code, text },
  ...(look === undefined ? {} : { look: look as Argv }),
});

export const isUp = (link: IpLink): boolean => link.flags.includes('UP');

export function checkForwarding({ forwarding, host: { family } }: Scene): Finding {
  const show = ['cat', FORWARDING[family]] as const;
  const [what, setting] = family === 6 ? [' IPv6', 'conf/all/forwarding'] : ['', 'ip_forward'];
  if (forwarding) return good('routing', `the host forwards${what} (${setting} is 1)`, show);
  return {
    ...bad('routing', 'forwarding-off', `the host does not forward${what}: ${setting} is 0`, show),
    fix: `echo 1 > ${FORWARDING[family]}`,
  };
}
