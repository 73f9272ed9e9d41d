/**
 * Images for tests of containers, made on the spot out of Debian's static busybox: one layer, so small that a host
 * has it in a second. `test` is as plain as an image can be; `configured` says something in every field of an
 * image's configuration that changes how a container starts.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestHost } from '../host/host.ts';
import { writeLayout } from './oci-layout.ts';
import { runProgram, type RunResult } from '../host/processes.ts';
import { startRegistry } from './registry.ts';

/** Also what `app` owns in the layer, and what its group `staff` is for. */
export const APP_UID = 1000;
export const STAFF_GID = 50;

export const CONFIGURED = {
  Entrypoint: ['/bin/entrypoint'],
  Cmd: ['one', 'two words'],
  Env: ['PATH=/opt/bin:/bin', 'COLOUR=blue', 'SHAPE=round'],
  WorkingDir: '/srv/made/when/missing',
  User: 'app:staff',
  StopSignal: 'SIGUSR1',
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  Labels: { maker: 'test', purpose: 'image' },
  Volumes: { '/volume': {} },
} as const;

/** Files by path; a mode and an owner where they are not 0644 root. */
const FILES: Readonly<Record<string, { text: string; mode?: number; uid?: number; gid?: number }>> = {
  'etc/passwd': {
    text: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:App:/home/app:/bin/sh\nlone:x:1001:1001::/:/bin/sh\n',
  },
  'etc/group': { text: 'root:x:0:\nstaff:x:50:app\nwheel:x:60:app,lone\napp:x:1000:\n' },
  'bin/entrypoint': { text: '#!/bin/sh\nprintf "[%s]" "$@"\necho\n', mode: 0o755 },
  'opt/bin/found-by-path': { text: '#!/bin/sh\necho found\n', mode: 0o755 },
  'etc/not-executable': { text: 'just text\n' },
  'bin/bad-interpreter': { text: '#!/no/such/interpreter\n', mode: 0o755 },
  'volume/from-image': { text: 'filled\n', mode: 0o640, uid: APP_UID, gid: STAFF_GID },
  'volume/below/deep': { text: 'deep\n' },
  'www/index.html': { text: 'hello from the image\n' },
};

/** Pulls both images into the host's store from a registry that is gone again when this returns. */
export async function installImages(host: TestHost): Promise<void> {
  const layer = await busyboxLayer(join(host.dir, 'image-rootfs'));
  const images = {
    test: { Cmd: ['/bin/sh'], Env: ['PATH=/usr/local/bin:/usr/bin:/bin'] },
    configured: CONFIGURED,
  };
  const registry = await startRegistry(host);
  try {
    for (const [name, config] of Object.entries(images)) {
      const layout = writeLayout(join(host.dir, `layout-${name}`), [{ layers: [layer], config }]);
      await registry.push(layout, name);
      const remote = `${registry.address}/${name}`;
      await succeed(host.minidock('pull', '-q', remote));
      await succeed(host.minidock('tag', remote, name));
      await succeed(host.minidock('rmi', remote));
    }
  } finally {
    await registry.stop();
  }
}

async function busyboxLayer(root: string): Promise<Buffer> {
  mkdirSync(join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'bin/busybox'), readFileSync(await busyboxPath()), { mode: 0o755 });
  const { stdout: applets } = await runProgram([join(root, 'bin/busybox'), '--list']);
  for (const applet of applets.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  for (const dir of ['tmp', 'root', 'home/app', 'var/log', 'mnt'])
    mkdirSync(join(root, dir), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const [path, { text, mode = 0o644, uid = 0, gid = 0 }] of Object.entries(FILES)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chownSync(file, uid, gid);
    chmodSync(file, mode);
  }
  chownSync(join(root, 'volume'), APP_UID, STAFF_GID);
  chmodSync(join(root, 'volume'), 0o2775);
  await succeed(runProgram(['tar', '--create', '--file', `${root}.tar`, '--directory', root, '.']));
  return readFileSync(`${root}.tar`);
}

export async function busyboxPath(): Promise<string> {
  return (await succeed(runProgram(['bash', '-c', 'command -v busybox']))).stdout.trim();
}

/** For what a test needs done before its own subject begins. */
export async function succeed(running: Promise<RunResult>): Promise<RunResult> {
  const result = await running;
  if (result.exitCode !== 0) {
    throw new Error(`exit status ${result.exitCode}\n${result.stderr}${result.stdout}`);
  }
  return result;
}
