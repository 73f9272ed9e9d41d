/** What the cases about mounts share: the attacker's directories, and short ways to say them. */
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { HostileFile, HostileImage, Stage } from '../case.ts';

export type Files = Readonly<Record<string, HostileFile>>;

export const link = (path: string, target: string): Files => ({ [path]: { link: target } });

export const volumes = (...paths: readonly string[]): NonNullable<HostileImage['config']> => ({
  Volumes: Object.fromEntries(paths.map((path) => [path, {}])),
});

/**
 * By /proc/self/fd/N a careless PID 1 names its own descriptors. Where the attacker covers that, the name leads to
 * /sys, spelt so that it exists only while /sys is mounted: PID 1 unmounts it in place of the host's tree, and masks
 * that go through the same name afterwards find nothing there.
 */
const AWAY = '/sys/kernel/..';

/** Any descriptor that PID 1 could have open. */
const NUMBERS = Array.from({ length: 57 }, (_, n) => String(n + 3));

export const descriptorLinks = (directory: string, target = AWAY): Files =>
  Object.fromEntries(NUMBERS.map((number) => [`${directory}/${number}`, { link: target }]));

/** A directory of the host's that the victim shares, a repository perhaps, with the same links in it. */
export function hostDirectoryOfLinks(stage: Stage): string {
  const directory = mkdtempSync(join(stage.dir, 'repository-'));
  mkdirSync(join(directory, 'fd'), { recursive: true });
  for (const number of NUMBERS) symlinkSync(AWAY, join(directory, 'fd', number));
  return directory;
}

/** The image has its own /proc/self, which is what a volume there is filled with. */
export const FAKE_SELF = descriptorLinks('/proc/self/fd');
export const FAKE_ONE = descriptorLinks('/proc/1/fd');

/** The sysctls that PID 1 sets; where there is no procfs any more, they must still be there. */
export const fakeSysctls = (proc: string): Files => ({
  [`${proc}/sys/net/ipv4/ip_unprivileged_port_start`]: '',
  [`${proc}/sys/net/ipv4/ping_group_range`]: '',
  [`${proc}/sys/net/ipv4/conf/all/accept_redirects`]: '',
  [`${proc}/sys/net/ipv4/conf/eth0/accept_redirects`]: '',
  [`${proc}/sys/net/ipv6/conf/eth0/accept_ra`]: '',
  [`${proc}/sys/net/ipv6/conf/eth0/accept_redirects`]: '',
  [`${proc}/sys/net/ipv6/conf/eth0/disable_ipv6`]: '',
});

/** The image of the plainest escape, for those who vary something else. */
export const ESCAPE: HostileImage = {
  files: { ...link('/foo', '/proc/self'), ...FAKE_SELF },
  config: volumes('/foo'),
};
