/** What `exec` is going to do, worked out without touching anything: the request for __enter, and every step. */
import { join } from 'node:path';
import { capabilitySets, idMapping, type OciConfig, type OciProcess } from '../../../runtime/bundle.ts';
import { cgroupProcsFiles } from '../../../runtime/cgroup/processes.ts';
import { keyringOf } from '../../../runtime/process/process-steps.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { HostStep, Step } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { allCapabilities } from '../../../runtime/process/capabilities.ts';
import { enteredNamespaces, type EnterRequest } from '../../../runtime/process/enter/enter-request.ts';
import { enterArgv, execStart } from '../../../runtime/process/namespace-command.ts';
import { openRecord, judgeRecord } from '../state/atomic-file.ts';
import { missingFile } from '../state/damage.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { terminalSize } from '../../io/terminal-size.ts';
import { randomHex } from '../spec/ids.ts';
import { containerRunDir, type Paths } from '../state/paths.ts';
import type { Container } from '../state/store.ts';

export interface ExecOptions {
  readonly argv: readonly [string, ...string[]];
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly detach: boolean;
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly privileged: boolean;
  readonly detachKeys: string;
}

export interface ExecPlan {
  readonly request: EnterRequest;
  /** The first step; the others are done inside, see execSteps. */
  readonly start: HostStep & { readonly command: { readonly argv: Argv } };
}

/** @throws MinidockError 'NOT_RUNNING'. */
export function requireRunning({ config, state }: Container): void {
  if (state.status === 'paused' || state.status === 'restarting') throw notNow(config, state.status);
  if (state.status !== 'running') throw notRunning(config);
}

const notNow = ({ id, name }: ContainerConfig, status: 'paused' | 'restarting'): MinidockError =>
  new MinidockError({
    code: 'NOT_RUNNING',
    message:
      status === 'paused'
        ? `Container ${id} is paused, unpause the container before exec`
        : `Container ${id} is restarting, wait until the container is running`,
    hint: status === 'paused' ? `minidock unpause ${name}` : `See why it ended: minidock logs ${name}`,
    exitCode: 1,
  });

export const notRunning = ({ id, name }: ContainerConfig): MinidockError =>
  new MinidockError({
    code: 'NOT_RUNNING',
    message: `container ${id} is not running`,
    hint: `Start it first: minidock start ${name}`,
    exitCode: 1,
  });

/** Not made yet. */
export const newExecDir = (paths: Paths, { config }: Container): string =>
  join(containerRunDir(paths, config.id), `exec-${randomHex(8)}`);

export const placesIn = (dir: string): { readonly requestPath: string; readonly socketPath: string } => ({
  requestPath: join(dir, 'request.json'),
  socketPath: join(dir, 'enter.sock'),
});

export async function planExec(
  paths: Paths,
  { config, state }: Container,
  options: ExecOptions,
  dir: string,
): Promise<ExecPlan> {
  const bundle = await readBundle(containerRunDir(paths, config.id));
  const { seccomp } = bundle.linux;
  const mapping = idMapping(bundle);
  const request: EnterRequest = {
    containerPid: state.pid,
    containerStart: state.pidStartTime,
    namespaces: enteredNamespaces(bundle),
    process: execProcess(bundle.process, options),
    ...(mapping === undefined ? {} : { firstId: mapping.hostID }),
    keyring: keyringOf(bundle),
    cgroupProcs: cgroupProcsFiles(bundle.linux.cgroupsPath),
    // Kept with --privileged too, as Docker keeps it: more capabilities, the same system calls.
    ...(seccomp === undefined ? {} : { seccomp }),
  };
  const argv = enterArgv({ initBinary: process.execPath, ...placesIn(dir) });
  return { request, start: execStart(argv, state.pid) as ExecPlan['start'] };
}

/** Only for --explain: the process inside computes its own. */
export async function execSteps({ request, start }: ExecPlan): Promise<readonly Step[]> {
  const { enterSteps } = await import('../../../runtime/process/enter/enter-steps.ts');
  return [start, ...enterSteps(request)];
}

/** Who enters a container must know what it is confined by. @throws MinidockError 'DAMAGED_FILE'. */
async function readBundle(runDir: string): Promise<OciConfig> {
  const path = join(runDir, 'bundle', 'config.json');
  const found = openRecord(path);
  if (found === undefined) throw missingFile(path);
  if (found.isIntact) return found.document as OciConfig;
  const { ociConfig } = await import('../state/bundle-record.ts');
  return judgeRecord(path, found.document, ociConfig);
}

function execProcess(base: OciProcess, options: ExecOptions): OciProcess {
  const variables = new Map<string, string>();
  // HOME belongs to the user that runs the program, which may be another than the container's.
  for (const entry of [...base.env, ...(options.tty ? ['TERM=xterm'] : []), ...options.env]) {
    variables.set(entry.split('=', 1)[0] ?? '', entry);
  }
  const capabilities = options.privileged ? allCapabilities() : base.capabilities.bounding;
  const size = options.tty ? terminalSize() : undefined;
  return {
    ...base,
    terminal: options.tty,
    ...(size === undefined ? {} : { consoleSize: { height: size.rows, width: size.columns } }),
    args: options.argv,
    env: [...variables.values()],
    cwd: options.workdir === '' ? base.cwd : options.workdir,
    user: options.user === '' ? base.user : { uid: 0, gid: 0, additionalGids: [], username: options.user },
    capabilities: capabilitySets(capabilities),
  };
}
