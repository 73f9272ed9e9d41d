/** `info`: this host as minidock sees it, under Docker's names. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, hostname } from 'node:os';
import { cgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { oneLine, printableJson } from '../../../runtime/printable.ts';
import type { Engine } from '../../engine/engine.ts';
import { listContainers } from '../../engine/reconcile.ts';
import { compileTemplate } from '../../docker/go-template/template.ts';
import { humanMemory } from '../../ui/human.ts';
import { version } from '../../io/version.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const info: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-f, --format <string>', "Format output: 'json' or a Go template")
      .action(async (flags: { readonly format?: string }) => {
        const data = await gather(engine);
        if (flags.format !== undefined) {
          const text =
            flags.format === 'json' ? printableJson(data) : compileTemplate(flags.format).execute(data);
          stdout.writeData(`${text}\n`);
          return;
        }
        const lines: readonly (readonly [string, string])[] = [
          ['Containers', String(data.Containers)],
          [' Running', String(data.ContainersRunning)],
          [' Paused', String(data.ContainersPaused)],
          [' Stopped', String(data.ContainersStopped)],
          ['Images', String(data.Images)],
          ['Server Version', data.ServerVersion],
          ['Storage Driver', data.Driver],
          ['Cgroup Driver', data.CgroupDriver],
          ['Cgroup Version', data.CgroupVersion],
          ['Security Options', data.SecurityOptions.join(', ')],
          ['Kernel Version', data.KernelVersion],
          ['Operating System', data.OperatingSystem],
          ['OSType', data.OSType],
          ['Architecture', data.Architecture],
          ['CPUs', String(data.NCPU)],
          ['Total Memory', humanMemory(data.MemTotal)],
          ['Name', data.Name],
          ['Minidock Root Dir', data.DockerRootDir],
          ['Minidock Run Dir', data.RunDir],
        ];
        for (const [name, value] of lines) stdout.write(`${name}: ${oneLine(value)}\n`);
      });
  },
};

async function gather(engine: Engine) {
  const states = (await listContainers(engine.containers)).map(({ state }) => state.status);
  const paused = states.filter((status) => status === 'paused').length;
  const running = states.filter((status) => status === 'running' || status === 'restarting').length;
  return {
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
    Images: (await (await engine.images()).list()).length,
    Driver: 'overlay2',
    LoggingDriver: 'minidock',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(cgroupLayout().version),
    KernelVersion: release(),
    OperatingSystem: operatingSystem(),
    OSType: 'linux',
    Architecture: process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'aarch64' : process.arch,
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: engine.paths.root,
    RunDir: engine.paths.run,
    Name: hostname(),
    ServerVersion: version,
    SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'],
  };
}

function operatingSystem(): string {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux';
  } catch {
    // No such file: os-release(5) is a convention, not a promise.
    return 'Linux';
  }
}
