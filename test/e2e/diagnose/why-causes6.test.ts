/** A table of breakages of IPv6 with the cause that `why` has to name, as why-causes.test.ts has one for IPv4. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { breakages6, SCENERY6 } from '../../support/breakages6.ts';
import { ask, toldIn, tryTwice, wantedOf, type Broken, type Shell } from '../../support/broken.ts';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { giveIpv6 } from '../../support/host/ipv6.ts';
import { installImages, succeed } from '../../support/images/image.ts';
import { serve } from '../../support/wired-container.ts';

const HOSTS = 6;
const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');

const hosts: TestHost[] = [];
const answers = new Map<string, readonly Broken[] | Error>();

beforeAll(async () => {
  const queue = [...breakages6];
  const work = async (): Promise<void> => {
    const host = await createHost();
    hosts.push(host);
    const sh = await furnish(host);
    for (let breakage = queue.shift(); breakage !== undefined; breakage = queue.shift()) {
      answers.set(
        breakage.name,
        await tryTwice(host, sh, breakage).catch((error: unknown) => error as Error),
      );
    }
  };
  await Promise.all(Array.from({ length: HOSTS }, work));
}, 300_000);

afterAll(async () => {
  await Promise.all(hosts.map((host) => host.dispose()));
});

test.each(breakages6.map((breakage) => [breakage.name, breakage] as const))('%s', (name, breakage) => {
  const answer = answers.get(name);
  if (!Array.isArray(answer)) throw answer as Error;
  const found = answer as readonly Broken[];
  const texts = found.map(({ text, fix }) => `${text} Fix: ${fix}`);
  expect([...toldIn(found), texts]).toEqual([...wantedOf(breakage), texts]);
});

const NETWORKS = [
  ['--ipv6', '--subnet', 'fd00:a::/64', 'aa'],
  ['--ipv6', '--subnet', 'fd00:f::/64', 'ff'],
  [
    ...['--ipv6', '--subnet', '2001:db8:b::/64'],
    ...['-o', 'com.docker.network.bridge.gateway_mode_ipv6=routed', 'rr'],
  ],
];

/** busybox httpd at `[::]:80` of web, and what the table says of its other ports. */
const SERVERS =
  'httpd -p 0.0.0.0:81 -h /www; httpd -p [::1]:82 -h /www; mkdir /large; head -c 20000 /dev/zero | tr "\\0" x >/large/index.html; httpd -p 90 -h /large; exec httpd -f -p 80 -h /www';

async function furnish(host: TestHost): Promise<Shell> {
  await installImages(host);
  await giveIpv6(host);
  const minidock = (...words: readonly string[]): Promise<string> =>
    succeed(host.minidock(...words)).then(({ stdout }) => stdout.trim());
  for (const network of NETWORKS) await minidock('network', 'create', ...network);
  await minidock('network', 'create', '--ipv6', '--ipv4=false', '--subnet', 'fd00:6::/64', 'ss');
  const run = (name: string, flags: readonly string[], ...program: readonly string[]): Promise<string> =>
    minidock('run', '-d', '--name', name, ...flags, 'test', ...program);
  const page = ['httpd', '-f', '-p', '80', '-h', '/www'];
  const ports = ['8080:80', '8090:90', '8091:81', '8092:83', '0.0.0.0:8097:80'].flatMap((one) => ['-p', one]);
  await run('web', ['--network', 'aa', ...ports], 'sh', '-c', SERVERS);
  await run('app', ['--network', 'aa'], 'sleep', '1000');
  await run('far', ['--network', 'ff'], ...page);
  await run('four', [], ...page);
  await run('six', ['--network', 'ss', '-p', '8095:80', '-p', '127.0.0.1:8095:80'], ...page);
  await minidock('network', 'connect', 'ss', 'app');
  await run('routed', ['--network', 'rr', '-p', '8096:80'], ...page);
  await succeed(host.outside(['ip', '-6', 'route', 'add', '2001:db8:b::/64', 'via', '2001:db8:1::2']));
  await serve(host, 'outside', 'world', 'tcp6:80');
  const variables: Record<string, string> = { DIR: host.dir, MINIDOCK, OUTSIDE_NS: `${host.dir}/outside` };
  const format = '{{with index .NetworkSettings.Networks "aa"}}{{.GlobalIPv6Address}}{{end}}';
  for (const name of ['web', 'app']) {
    const word = name.toUpperCase();
    variables[word] = await minidock('inspect', '-f', format, name);
    variables[`${word}_NS`] = `nsenter -t ${await minidock('inspect', '-f', '{{.State.Pid}}', name)} -n`;
  }
  const bridge = '{{index .Options "com.docker.network.bridge.name"}}';
  variables['BRIDGE'] = await minidock('network', 'inspect', '-f', bridge, 'aa');
  const sh: Shell = (script) => host.run(['bash', '-c', script], { env: variables });
  await succeed(host.run(['bash', '-ec', SCENERY6], { env: variables }));
  for (const port of ['8080', '8090', '8096'])
    await host.waitFor(
      async () => ['works', 'routed'].includes((await ask(host, ['-6', `:${port}`])).code),
      `port ${port} to answer`,
    );
  return sh;
}
