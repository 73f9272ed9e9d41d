/** Settings of IPv6 in a network namespace, from /proc/sys (the kernel's ip-sysctl documentation). */
import { inside, type Enter } from './ip.ts';
import { look } from './look.ts';

export const SETTINGS6 = '/proc/sys/net/ipv6/conf';

/** Interfaces whose IPv6 is switched off: the kernel takes their addresses away. grep, since it can be run anywhere. */
export async function readSwitchedOff(enter: Enter): Promise<readonly string[]> {
  const words = ['grep', '-r', '--include=disable_ipv6', '.', SETTINGS6] as const;
  return namesSaying(await look(inside(enter, words)), 'disable_ipv6', '1');
}

/** '/proc/sys/net/ipv6/conf/eth0/disable_ipv6:1' */
const namesSaying = (text: string, setting: string, value: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const rest = line.startsWith(`${SETTINGS6}/`) ? line.slice(SETTINGS6.length + 1) : '';
    const end = rest.lastIndexOf(`/${setting}:`);
    return end > 0 && rest.slice(end + setting.length + 2) === value ? [rest.slice(0, end)] : [];
  });
