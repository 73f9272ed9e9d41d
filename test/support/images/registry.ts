/**
 * A real registry: Debian's docker-registry in a throw-away host, on loopback or on an address that is not, open or
 * with a password, in the clear or with TLS, and skopeo to put images into it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHost, Where } from '../host/host.ts';
import type { Background, RunResult } from '../host/processes.ts';

export interface RegistryOptions {
  /** '127.0.0.1:5000' unless given. */
  readonly address?: string;
  readonly where?: Where;
  /** Only this user may pull or push. */
  readonly user?: { readonly name: string; readonly password: string };
  /** With a certificate of its own making, for the address. */
  readonly tls?: boolean;
  /** A pull-through cache of another registry. */
  readonly proxyOf?: string;
}

export interface TestRegistry {
  readonly address: string;
  readonly process: Background;
  /** The authority of its certificate, PEM, if it has one. */
  readonly caFile: string;
  /** Pushes an OCI layout (`oci:DIR:TAG` is what skopeo calls it) under a name such as 'app:latest'. */
  push(layout: string, name: string, ...options: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startRegistry(host: TestHost, options: RegistryOptions = {}): Promise<TestRegistry> {
  const address = options.address ?? '127.0.0.1:5000';
  const dir = join(host.dir, `registry-${address.replace(/\W/g, '-')}`);
  mkdirSync(dir, { recursive: true });
  const caFile = join(dir, 'cert.pem');
  if (options.tls === true) await makeCertificate(host, dir, address.replace(/:\d+$/, ''));
  const user = options.user;
  if (user !== undefined) await makePasswordFile(host, dir, user);
  writeFileSync(join(dir, 'config.yml'), configuration(dir, address, options));
  const process = host.spawn(['docker-registry', 'serve', join(dir, 'config.yml')], options.where);
  await process.waitForOutput(/listening on/);
  return {
    address,
    process,
    caFile,
    push: async (layout, name, ...more) => {
      const login = user === undefined ? [] : [`--dest-creds=${user.name}:${user.password}`];
      const target = `docker://${address}/${name}`;
      const skopeo = ['skopeo', '--insecure-policy', 'copy', '--quiet', '--all', '--dest-tls-verify=false'];
      await must(host.run([...skopeo, ...login, ...more, layout, target]), 'skopeo copy');
    },
    stop: async () => {
      process.kill('SIGTERM');
      await process.exited;
    },
  };
}

function configuration(dir: string, address: string, options: RegistryOptions): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: {
      addr: address,
      ...(options.tls === true
        ? { tls: { certificate: join(dir, 'cert.pem'), key: join(dir, 'key.pem') } }
        : {}),
    },
    ...(options.user === undefined
      ? {}
      : { auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } } }),
    ...(options.proxyOf === undefined ? {} : { proxy: { remoteurl: options.proxyOf } }),
  });
}

async function makeCertificate(host: TestHost, dir: string, name: string): Promise<void> {
  const kind = /^[\d.]+$/.test(name) ? 'IP' : 'DNS';
  const argv = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const files = ['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${kind}:${name}`];
  await must(host.run([...argv, ...files, ...subject]), 'openssl req');
}

/** docker-registry reads bcrypt only, which libxcrypt makes and perl-base, part of every Debian, gives access to. */
async function makePasswordFile(
  host: TestHost,
  dir: string,
  user: { readonly name: string; readonly password: string },
): Promise<void> {
  const script = 'print $ARGV[0], ":", crypt($ARGV[1], q($2y$05$) . "abcdefghijklmnopqrstuu"), "\\n"';
  const { stdout } = await must(host.run(['perl', '-e', script, user.name, user.password]), 'perl');
  writeFileSync(join(dir, 'htpasswd'), stdout);
}

async function must(result: Promise<RunResult>, what: string): Promise<RunResult> {
  const finished = await result;
  if (finished.exitCode !== 0) throw new Error(`${what}: ${finished.stderr}${finished.stdout}`);
  return finished;
}
