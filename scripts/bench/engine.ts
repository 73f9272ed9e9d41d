/**
 * minidock, Docker and Podman behind one interface, each on its own throw-away host with its own data, so that they
 * do not see, slow or outlive each other. All differences between their commands are here.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startDocker } from '../../test/support/docker/docker.ts';
import { createHost, type TestHost } from '../../test/support/host/host.ts';
import type { Answer, Request } from './agent.ts';
import { startStopWatch, type StopWatch } from './stop-watch.ts';

export type EngineName = 'minidock' | 'before' | 'docker' | 'podman';

export interface Engine {
  readonly name: EngineName;
  readonly host: TestHost;
  /** The words of the program, for those who spawn it themselves inside the host. */
  readonly argv: readonly string[];
  /** Times one command, which must succeed. */
  time(args: readonly string[], options?: Partial<Omit<Request, 'argv'>>): Promise<Answer>;
  /** Any program in the same host, through the same stop-watch. */
  timeProgram(argv: readonly string[], options?: Partial<Omit<Request, 'argv'>>): Promise<Answer>;
  /** `rm -f` as fast as the engine can: Podman by default waits ten seconds for a program that ignores SIGTERM. */
  readonly remove: readonly string[];
  /** `pull` from a registry without TLS. */
  readonly pull: readonly string[];
  /** `push` to one. */
  readonly push: readonly string[];
  dispose(): Promise<void>;
}

const BUILT = resolve(import.meta.dirname, '../../dist/minidock');

/** The build of this checkout, or another one: 'before'. */
export async function startMinidock(
  name: 'minidock' | 'before' = 'minidock',
  built = BUILT,
): Promise<Engine> {
  const host = await createHost();
  // A copy, so that a build meanwhile does not change what is measured.
  const program = join(host.dir, 'minidock');
  return orDispose(host, async () => {
    copyFileSync(built, program);
    return minidockOn(name, host, program);
  });
}

async function minidockOn(name: EngineName, host: TestHost, program: string): Promise<Engine> {
  return {
    ...face(name, host, [program], await startStopWatch(host, { ownCgroup: false })),
    remove: ['rm', '-f'],
    pull: ['pull', '-q'],
    push: ['push', '-q'],
  };
}

export async function startDockerEngine(): Promise<Engine> {
  const docker = await startDocker();
  return orDispose(docker, async () => {
    const watch = await startStopWatch(docker.host, { ownCgroup: false });
    return {
      ...face('docker', docker.host, docker.argv, watch),
      remove: ['rm', '-f'],
      pull: ['pull', '-q'],
      push: ['push', '-q'],
      dispose: async () => {
        await watch.stop();
        await docker.dispose();
      },
    };
  });
}

export async function startPodman(): Promise<Engine> {
  const host = await createHost();
  return orDispose(host, async () => {
    const library = join(host.dir, 'containers');
    const configuration = join(host.dir, 'containers.conf');
    mkdirSync(library);
    // runc, since crun of Debian 13 wants cgroup v2 alone.
    writeFileSync(
      configuration,
      `[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[network]\nnetwork_config_dir = "${host.dir}/networks"\n`,
    );
    const bind = await host.run([
      ...['sh', '-c', 'mkdir -p /var/lib/containers && mount --bind "$0" /var/lib/containers', library],
    ]);
    if (bind.exitCode !== 0) throw new Error(bind.stderr);
    const env = { CONTAINERS_CONF: configuration, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' };
    const watch = await startStopWatch(host, { ownCgroup: true, env });
    const made = face('podman', host, ['podman'], watch);
    return {
      ...made,
      remove: ['rm', '-f', '-t', '0'],
      pull: ['pull', '-q', '--tls-verify=false'],
      push: ['push', '-q', '--tls-verify=false'],
      dispose: async () => {
        // Its containers' processes are in no namespace of the host once conmon has gone.
        await made.time(['rm', '-fa', '-t', '0']);
        await made.dispose();
      },
    };
  });
}

function face(name: EngineName, host: TestHost, argv: readonly string[], watch: StopWatch) {
  return {
    name,
    host,
    argv,
    time: (args: readonly string[], options?: Partial<Request>) => watch.time([...argv, ...args], options),
    timeProgram: (program: readonly string[], options?: Partial<Request>) => watch.time(program, options),
    dispose: async () => {
      await watch.stop();
      await host.dispose();
    },
  };
}

async function orDispose(owner: { dispose(): Promise<void> }, make: () => Promise<Engine>): Promise<Engine> {
  try {
    return await make();
  } catch (error) {
    await owner.dispose();
    throw error;
  }
}
