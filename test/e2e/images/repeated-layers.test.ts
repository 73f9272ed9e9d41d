/**
 * Images that list a layer more than once, which overlayfs would refuse: they start, and each file is as the chain of
 * layers leaves it.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { busyboxPath, succeed } from '../../support/images/image.ts';
import { writeLayout } from '../../support/images/oci-layout.ts';
import { startRegistry } from '../../support/images/registry.ts';
import { tarOf, type TestEntry } from '../../support/images/tar-bytes.ts';

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
});
afterAll(async () => {
  await host.dispose();
});

test('an image with the same layers again, as BuildKit writes them, starts', async () => {
  const shell: TestEntry[] = [
    { name: 'bin/', type: '5' },
    { name: 'bin/busybox', data: readFileSync(await busyboxPath()), mode: 0o755 },
  ];
  const empty: TestEntry[] = [];
  const config: TestEntry[] = [{ name: 'etc/conf', data: 'restored' }, { name: 'etc/.wh.gone' }];
  const between: TestEntry[] = [
    { name: 'etc/conf', data: 'changed' },
    { name: 'etc/gone', data: 'is back' },
    { name: 'etc/new', data: 'stays' },
  ];
  const layers = [shell, empty, config, empty, between, empty, config, empty].map((entries) =>
    tarOf(...entries),
  );
  const layout = writeLayout(join(host.dir, 'layout'), [{ layers }]);
  const registry = await startRegistry(host);
  try {
    await registry.push(layout, 'repeated');
    const name = `${registry.address}/repeated`;
    await succeed(host.minidock('pull', '-q', name));
    const script = 'cd /etc; for f in *; do echo "$f $(cat "$f")"; done';
    const { stdout } = await succeed(host.minidock('run', '--rm', name, '/bin/busybox', 'sh', '-c', script));
    expect(stdout.split('\n').filter((line) => /^(conf|gone|new) /.test(line))).toEqual([
      'conf restored',
      'new stays',
    ]);
    const archive = join(host.dir, 'saved.tar');
    await succeed(host.minidock('save', '-o', archive, name));
    await succeed(host.minidock('rmi', name));
    await succeed(host.minidock('load', '-i', archive));
    await succeed(host.minidock('run', '--rm', name, '/bin/busybox', 'true'));
  } finally {
    await registry.stop();
  }
});
