/** The container of section D: a root directory of busybox and a page, and its server. */
import type { LabHost } from '../lesson.ts';
import { fetchTwice, hasPage } from './scenery.ts';

export const ROOTFS: readonly string[] = [
  'mkdir -p /srv/rootfs/bin /srv/rootfs/www /srv/rootfs/proc',
  'cp "$(command -v busybox)" /srv/rootfs/bin/busybox',
  'for a in sh ps ping wget; do ln -sf busybox /srv/rootfs/bin/$a; done',
  'echo "hello from the container" >/srv/rootfs/www/index.html',
];
export const SERVER = '/bin/busybox httpd -f -p 80 -h /www';
const GREETING = 'hello from the container';

export const greets = async (host: LabHost, url: string, from?: string): Promise<boolean> =>
  (await fetchTwice(host, url, from))?.includes(GREETING) === true;

/** By hand the container is a named namespace, and its server must answer. */
export const webGreets = (host: LabHost, url: string, from?: string): Promise<boolean> =>
  hasPage(host, url, GREETING, { ...(from === undefined ? {} : { from }), by: 'web' });
