/** The sockets of a namespace that wait for packets, as `ss -Hltunp` prints them. */
import type { Protocol } from '../../../runtime/network/types.ts';

export interface Listener {
  readonly protocol: Protocol;
  /** '*' for every address of both kinds. */
  readonly address: string;
  /** The only interface that it takes packets from (SO_BINDTODEVICE); '' for all. */
  readonly device: string;
  /** As many connections wait to be accepted as may. */
  readonly isFull: boolean;
  readonly port: number;
  /** 'httpd (pid 12)'; '' if none is visible. */
  readonly program: string;
  /** Of all that have that socket. */
  readonly pids: readonly number[];
}

/** `tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("httpd",pid=12,fd=3))` */
export function parseListeners(text: string): readonly Listener[] {
  return text.split('\n').flatMap((line): readonly Listener[] => {
    const [protocol, , waiting, most, local = '', , users = ''] = line.trim().split(/\s+/);
    const colon = local.lastIndexOf(':');
    if ((protocol !== 'tcp' && protocol !== 'udp') || colon < 0) return [];
    const address = local
      .slice(0, colon)
      .replace(/%.*$/, '')
      .replace(/^\[|\]$/g, '');
    const device = /%([^%\]]+)\]?$/.exec(local.slice(0, colon))?.[1] ?? '';
    // A full queue holds one more than its length.
    const isFull = protocol === 'tcp' && Number(waiting) > Number(most);
    const [, name, pid] = /\(\("([^"]*)",pid=(\d+)/.exec(users) ?? [];
    const program = name === undefined ? '' : `${name} (pid ${pid ?? ''})`;
    const pids = [...users.matchAll(/pid=(\d+)/g)].map((one) => Number(one[1]));
    return [{ protocol, address, device, isFull, port: Number(local.slice(colon + 1)), program, pids }];
  });
}
