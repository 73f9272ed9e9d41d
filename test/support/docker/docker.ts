/**
 * Docker in a throw-away host: dockerd with data, sockets, network namespace and cgroups of that host, for tests
 * that run the same command in Docker and in minidock. Its containerd is a child of its own; both end with it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type TestHost } from '../host/host.ts';
import { succeed } from '../images/image.ts';
import type { RunResult } from '../host/processes.ts';

export interface DockerHost {
  readonly host: TestHost;
  /** The words of a docker command inside the host. */
  readonly argv: readonly string[];
  docker(...args: readonly string[]): Promise<RunResult>;
  dispose(): Promise<void>;
}

/**
 * In cgroups of the host and in a cgroup namespace below them: a RUN of BuildKit has none of its own, so that runc
 * looks for the path in /proc/self/cgroup below the host's mounts.
 */
const IN_OWN_CGROUPS = `
for own in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if [ -e "$own/cgroup.procs" ]; then echo $$ >"$own/cgroup.procs"; fi
done
exec unshare --cgroup "$@"
`;

/** '' when Docker is installed, and `more` programs, else a reason. */
export function missingDocker(more: readonly string[] = []): string {
  const directories = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/sbin', '/bin'];
  const lacks = ['dockerd', 'docker', 'containerd', 'runc', ...more].filter(
    (name) => !directories.some((directory) => existsSync(join(directory, name))),
  );
  return lacks.length === 0 ? '' : `${lacks.join(', ')} not installed`;
}

export async function startDocker(): Promise<DockerHost> {
  const host = await createHost();
  try {
    const socket = `unix://${host.dir}/docker.sock`;
    const dockerd = host.spawn([
      ...['bash', '-euc', IN_OWN_CGROUPS, 'dockerd'],
      ...['dockerd', '--host', socket, '--data-root', join(host.dir, 'docker')],
      ...['--exec-root', '/run/docker', '--pidfile', '/run/docker.pid', '--log-level', 'error'],
      // As it is by default where there is only cgroup v2, and as it is in minidock.
      ...['--default-cgroupns-mode', 'private'],
    ]);
    const argv = ['docker', '--host', socket];
    let ended = false;
    void dockerd.exited.then(() => (ended = true));
    await host.waitFor(
      async () => {
        if (ended) throw new Error(`dockerd ended:\n${dockerd.output()}`);
        return (await host.run([...argv, 'version'])).exitCode === 0;
      },
      'dockerd to answer',
      30_000,
    );
    return {
      host,
      argv,
      docker: (...args) => host.run([...argv, ...args]),
      async dispose() {
        try {
          const { stdout } = await host.run([...argv, 'ps', '-aq']);
          const left = stdout.split('\n').filter((id) => id !== '');
          if (left.length > 0) await succeed(host.run([...argv, 'rm', '-f', '-v', ...left]));
          dockerd.kill('SIGTERM');
          await dockerd.exited;
        } finally {
          await host.dispose();
        }
      },
    };
  } catch (error) {
    await host.dispose();
    throw error;
  }
}
