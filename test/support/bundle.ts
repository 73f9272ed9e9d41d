/**
 * An OCI bundle whose image is Debian's static busybox, and a supervisor for it, so that PID 1 can be tested
 * without images, network or the engine: dist/minidock's `__init` and `__enter` are driven directly.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  openSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { OciConfig, OciMount, OciProcess } from '../../runtime/bundle.ts';
import { DEFAULT_CAPABILITIES } from '../../runtime/process/capabilities.ts';
import { enteredNamespaces, type EnterRequest } from '../../runtime/process/enter/enter-request.ts';
import { enterArgv, unshareArgv } from '../../runtime/process/namespace-command.ts';
import { defaultSeccomp } from '../../runtime/process/seccomp/profile.ts';
import { listenForInit, type InitFailure, type InitListener } from '../../runtime/process/supervise.ts';
import { defaultMounts, maskedPaths, readonlyPaths, standardDevices } from '../../runtime/rootfs/defaults.ts';

export const MINIDOCK = resolve(import.meta.dirname, '../../dist/minidock');
const APPLETS = ['sh', 'cat', 'id', 'ls', 'grep', 'hostname', 'ps', 'true', 'touch', 'tty', 'stty', 'env'];
const MORE_APPLETS = ['readlink', 'sleep', 'stat', 'pwd', 'wc', 'chmod', 'mkdir', 'rm', 'tr', 'awk', 'trap'];

export interface BundleChanges {
  readonly process?: Partial<OciProcess>;
  /** On top of the defaults. */
  readonly mounts?: readonly OciMount[];
  readonly lower?: readonly string[];
  readonly readonly?: boolean;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface TestBundle {
  readonly dir: string;
  /** The image; tests may put files into it before they run it. */
  readonly image: string;
  readonly upper: string;
  run(args: readonly [string, ...string[]], changes?: BundleChanges): Promise<BundleRun>;
  /** Writes config.json and empties the upper directory, for a supervisor of the test's own. */
  prepare(args: readonly [string, ...string[]], changes?: BundleChanges): OciConfig;
  start(args: readonly [string, ...string[]], changes?: BundleChanges): Promise<StartedBundle>;
  dispose(): void;
}

export interface BundleRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: InitFailure | undefined;
}

export interface StartedBundle {
  readonly pid: number;
  readonly init: InitListener;
  readonly config: OciConfig;
  /** Says 'go', waits for the end. */
  finish(): Promise<BundleRun>;
  /** A further process in the running container. */
  exec(args: readonly [string, ...string[]], changes?: Partial<OciProcess>): Promise<BundleRun>;
  kill(): void;
}

export function makeBundle(): TestBundle {
  const dir = mkdtempSync('/var/tmp/minidock-bundle-');
  const image = join(dir, 'image');
  for (const name of ['bin', 'etc', 'tmp', 'root']) mkdirSync(join(image, name), { recursive: true });
  copyFileSync('/bin/busybox', join(image, 'bin/busybox'));
  for (const name of [...APPLETS, ...MORE_APPLETS]) symlinkSync('busybox', join(image, 'bin', name));
  writeFileSync(
    join(image, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n',
  );
  writeFileSync(join(image, 'etc/group'), 'root:x:0:\nstaff:x:50:app\nextra:x:60:other\napp:x:1001:\n');
  const start = (args: readonly [string, ...string[]], changes: BundleChanges = {}): Promise<StartedBundle> =>
    startBundle(dir, args, changes);
  return {
    dir,
    image,
    upper: join(dir, 'upper'),
    prepare: (args, changes) => prepareBundle(dir, args, changes),
    start,
    run: async (args, changes) => (await start(args, changes)).finish(),
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export function bundleConfig(
  dir: string,
  args: readonly [string, ...string[]],
  changes: BundleChanges = {},
): OciConfig {
  const capabilities = DEFAULT_CAPABILITIES;
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, additionalGids: [], username: '' },
      args,
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
        inheritable: [],
        ambient: [],
      },
      rlimits: [],
      noNewPrivileges: false,
      ...changes.process,
    },
    root: {
      path: join(dir, 'rootfs'),
      readonly: changes.readonly ?? false,
      lower: changes.lower ?? [join(dir, 'image')],
      upper: join(dir, 'upper'),
      work: join(dir, 'work'),
    },
    hostname: 'box',
    mounts: [
      ...defaultMounts({ shmSize: 1 << 20, privileged: false, cgroupVersion: 1, cgroupHierarchies: [] }),
      ...(changes.mounts ?? []),
    ],
    linux: {
      namespaces: (['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup'] as const).map((type) => ({ type })),
      devices: standardDevices,
      // The root of every hierarchy: cgroups of their own are tested where they are made, with the engine.
      cgroupsPath: '/',
      resources: { devices: [] },
      seccomp: defaultSeccomp(capabilities, arch),
      ...(changes.sysctl === undefined ? {} : { sysctl: changes.sysctl }),
      maskedPaths,
      readonlyPaths,
    },
    ...(changes.annotations === undefined ? {} : { annotations: changes.annotations }),
  };
}

function prepareBundle(
  dir: string,
  args: readonly [string, ...string[]],
  changes: BundleChanges = {},
): OciConfig {
  // A run begins with an empty upper directory, as a new container does.
  for (const name of ['upper', 'work', 'rootfs']) {
    rmSync(join(dir, name), { recursive: true, force: true });
    mkdirSync(join(dir, name));
  }
  const config = bundleConfig(dir, args, changes);
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  return config;
}

async function startBundle(
  dir: string,
  args: readonly [string, ...string[]],
  changes: BundleChanges,
): Promise<StartedBundle> {
  const config = prepareBundle(dir, args, changes);
  const socketPath = join(dir, 'init.sock');
  const init = await listenForInit(socketPath);
  const child = supervise(
    dir,
    unshareArgv(config.linux.namespaces, { initBinary: MINIDOCK, bundleDir: dir, socketPath }),
    init,
  );
  init.begin();
  const { pid } = await Promise.race([init.hello, child.ended.then(died)]);
  return {
    pid,
    init,
    config,
    finish: () => child.finish(),
    kill: () => process.kill(pid, 'SIGKILL'),
    async exec(execArgs, execChanges) {
      const request: EnterRequest = {
        containerPid: pid,
        namespaces: enteredNamespaces(config),
        process: { ...config.process, ...execChanges, args: execArgs },
        keyring: '_ses.test',
        cgroupProcs: [],
        ...(config.linux.seccomp === undefined ? {} : { seccomp: config.linux.seccomp }),
      };
      const requestPath = join(dir, 'request.json');
      const enterSocket = join(dir, 'enter.sock');
      writeFileSync(requestPath, JSON.stringify(request));
      const enter = await listenForInit(enterSocket);
      return supervise(
        dir,
        enterArgv({ initBinary: MINIDOCK, requestPath, socketPath: enterSocket }),
        enter,
      ).finish();
    },
  };
}

function died(code: number): never {
  throw new Error(`the process ended with ${code} before it said hello`);
}

let outputs = 0;

function supervise(
  dir: string,
  argv: readonly [string, ...string[]],
  init: InitListener,
): { readonly ended: Promise<number>; finish(): Promise<BundleRun> } {
  const [program, ...args] = argv;
  // Files of root's, since node's pipes are sockets, which no program can reopen as /dev/stdout.
  const files = ['stdout', 'stderr'].map((name) => join(dir, `${name}-${++outputs}`));
  const [out, err] = files.map((file) => openSync(file, 'a', 0o600));
  // A directory of the host's, left open by a careless supervisor: no program may find it (CVE-2024-21626).
  const leaked = openSync('/etc', 'r');
  const child = spawn(program, args, { stdio: ['ignore', out ?? 'ignore', err ?? 'ignore', leaked] });
  for (const fd of [out, err, leaked]) if (fd !== undefined) closeSync(fd);
  const ended = new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? -1));
  });
  return {
    ended,
    async finish() {
      // An error before 'ready' is found in `result` too.
      await init.ready.then(
        () => init.go(),
        () => undefined,
      );
      const failure = await init.result;
      const exitCode = await ended;
      const [stdout = '', stderr = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { exitCode, stdout, stderr, failure };
    },
  };
}

export const readMounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
