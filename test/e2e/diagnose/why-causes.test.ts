/**
 * A table of breakages with the cause that `why` has to name. Each is applied to a host that is sound otherwise, a
 * client's own try fails, `why` is asked, the fix that it suggests is typed where the table says so, and it is undone;
 * a few hosts share the table, since an answer that does not come has to be waited for.
 */
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { breakages } from '../../support/breakages.ts';
import { SCENERY } from '../../support/breakages/terms.ts';
import { ask, toldIn, tryTwice, wantedOf, type Broken, type Shell } from '../../support/broken.ts';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { installImages, succeed } from '../../support/images/image.ts';
import { serve } from '../../support/wired-container.ts';

const HOSTS = 8;
const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');

const hosts: TestHost[] = [];
const answers = new Map<string, readonly Broken[] | Error>();

beforeAll(async () => {
  const queue = [...breakages];
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
}, 600_000);

afterAll(async () => {
  await Promise.all(hosts.map((host) => host.dispose()));
});

test('there are many, and each has a name of its own', () => {
  expect(new Set(breakages.map(({ name }) => name)).size).toBe(breakages.length);
  expect(breakages.length).toBeGreaterThanOrEqual(160);
});

test.each(breakages.map((breakage) => [breakage.name, breakage] as const))('%s', (name, breakage) => {
  const answer = answers.get(name);
  if (!Array.isArray(answer)) throw answer as Error;
  const found = answer as readonly Broken[];
  const texts = found.map(({ text, fix }) => `${text} Fix: ${fix}`);
  expect([...toldIn(found), texts]).toEqual([...wantedOf(breakage), texts]);
});

/** The containers and namespaces that the table speaks of, and a shell that knows them by its variables. */
async function furnish(host: TestHost): Promise<Shell> {
  await installImages(host);
  const minidock = (...words: readonly string[]): Promise<string> =>
    succeed(host.minidock(...words)).then(({ stdout }) => stdout.trim());
  await minidock(
    'run',
    '-d',
    '--name',
    'web',
    '-p',
    '8080:80',
    'test',
    'httpd',
    '-f',
    '-p',
    '80',
    '-h',
    '/www',
  );
  await minidock('run', '-d', '--name', 'app', 'test', 'sleep', '1000');
  // A page that is larger than a packet.
  const large =
    'mkdir /large; head -c 20000 /dev/zero | tr "\\0" x >/large/index.html; exec httpd -f -p 80 -h /large';
  await minidock('run', '-d', '--name', 'large', '-p', '8090:80', 'test', 'sh', '-c', large);
  await serve(host, 'outside', 'world', 'tcp:80');
  await serve(host, 'host', 'host', 'tcp:7000');
  const variables: Record<string, string> = { DIR: host.dir, MINIDOCK, OUTSIDE_NS: `${host.dir}/outside` };
  for (const name of ['web', 'app']) {
    const word = name.toUpperCase();
    const pid = await minidock('inspect', '-f', '{{.State.Pid}}', name);
    variables[word] = await minidock('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name);
    variables[`${word}_PID`] = pid;
    variables[`${word}_NS`] = `nsenter -t ${pid} -n`;
    const index = await minidock('exec', name, 'cat', '/sys/class/net/eth0/iflink');
    const link = await succeed(
      host.run(['sh', '-c', `ip -o link | sed -n 's/^${index}: \\([^@]*\\)@.*/\\1/p'`]),
    );
    variables[`${word}_LINK`] = link.stdout.trim();
  }
  const typed = `minidock() { "$MINIDOCK" "$@"; }; `;
  const sh: Shell = (script) => host.run(['bash', '-c', typed + script], { env: variables });
  await succeed(host.run(['bash', '-ec', SCENERY], { env: variables }));
  await host.waitFor(async () => (await ask(host, [':8080'])).code === 'works', 'web to answer');
  await host.waitFor(async () => (await ask(host, [':8090'])).code === 'works', 'large to answer');
  return sh;
}
