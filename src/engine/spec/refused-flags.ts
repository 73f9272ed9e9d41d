/**
 * Flags of `run` and `create` that Docker has and one Linux host, or minidock, has no use for. Each value that means
 * what minidock does anyway is accepted; any other is refused in one line that says why.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidSpec } from './flag-errors.ts';

interface Refusal {
  readonly key: keyof CreateRequest;
  readonly flag: string;
  /** The values by which nothing is asked for. */
  readonly accepted: readonly string[];
  readonly why: string;
}

const WINDOWS = 'it is only supported on a Docker daemon running on windows';

export const REFUSALS: readonly Refusal[] = [
  {
    key: 'isolation',
    flag: '--isolation',
    accepted: ['', 'default'],
    why: 'linux only supports it',
  },
  {
    key: 'runtime',
    flag: '--runtime',
    accepted: ['', 'runc', 'io.containerd.runc.v2', 'minidock'],
    why: 'minidock is its own runtime, and takes runc for it',
  },
  {
    key: 'kernelMemory',
    flag: '--kernel-memory',
    accepted: ['', '0'],
    why: 'the kernel has no limit on kernel memory any more (Linux 5.16); -m counts it, too',
  },
  {
    key: 'storageOpt',
    flag: '--storage-opt',
    accepted: [],
    why: 'a container has no size of its own: its layer is a directory of the host',
  },
  {
    key: 'cpuRtPeriod',
    flag: '--cpu-rt-period',
    accepted: ['', '0'],
    why: 'kernels do not support real-time groups beside control groups (CONFIG_RT_GROUP_SCHED)',
  },
  {
    key: 'cpuRtRuntime',
    flag: '--cpu-rt-runtime',
    accepted: ['', '0'],
    why: 'kernels do not support real-time groups beside control groups (CONFIG_RT_GROUP_SCHED)',
  },
  { key: 'cpuCount', flag: '--cpu-count', accepted: ['', '0'], why: WINDOWS },
  { key: 'cpuPercent', flag: '--cpu-percent', accepted: ['', '0'], why: WINDOWS },
  { key: 'ioMaxbandwidth', flag: '--io-maxbandwidth', accepted: ['', '0'], why: WINDOWS },
  { key: 'ioMaxiops', flag: '--io-maxiops', accepted: ['', '0'], why: WINDOWS },
  {
    key: 'linkLocalIp',
    flag: '--link-local-ip',
    accepted: [],
    why: 'a container has the addresses of its networks only',
  },
  {
    key: 'volumeDriver',
    flag: '--volume-driver',
    accepted: ['', 'local'],
    why: 'volumes are directories of this host: only the driver local is known',
  },
  {
    key: 'disableContentTrust',
    flag: '--disable-content-trust',
    accepted: ['true'],
    why: 'minidock checks images by their digests, and no signatures',
  },
];

/** @throws MinidockError for the first one that asks for something. */
export function refuseUnsupported(request: CreateRequest): void {
  for (const { key, flag, accepted, why } of REFUSALS) {
    const value = request[key];
    if (value === undefined) continue;
    const values = typeof value === 'object' ? (value as readonly string[]) : [String(value)];
    const wrong = values.find((one) => !accepted.includes(one));
    if (wrong !== undefined) throw refusal(flag, wrong, why);
  }
}

/** In Docker's words where it refuses the same. */
function refusal(flag: string, value: string, why: string): Error {
  if (flag === '--isolation')
    return invalidSpec(`Invalid isolation: "${value}" - linux only supports 'default'`);
  if (flag === '--runtime') return invalidSpec(`unknown or invalid runtime name: ${value}`, why);
  if (why !== WINDOWS) return invalidSpec(`${flag} ${value} is not supported: ${why}`);
  return new MinidockError({
    code: 'INVALID_FLAG',
    message: `"${flag}" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux`,
    exitCode: 1,
  });
}
