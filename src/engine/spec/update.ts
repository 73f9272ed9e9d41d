/** What `update` changes in a container's record, by Docker's rules. Pure. */
import { MinidockError } from '../../../runtime/errors.ts';
import { memoryAndSwap, type ContainerConfig, type ResourceSpec, type RestartPolicy } from './container.ts';

export interface Update {
  /** 0 and '' for what stays as it is. */
  readonly resources: ResourceSpec;
  readonly restart?: RestartPolicy;
}

/** @throws MinidockError 'CANNOT_UPDATE', without Docker's "Cannot update container". */
export function withUpdate(config: ContainerConfig, { resources, restart }: Update): ContainerConfig {
  const { restart: before, ...spec } = config.spec;
  if (restart !== undefined && restart.name !== 'no' && spec.autoRemove)
    throw refused('Restart policy cannot be updated because AutoRemove is enabled for the container');
  const policy = restart ?? before;
  return {
    ...config,
    spec: {
      ...spec,
      ...(policy === undefined || policy.name === 'no' ? {} : { restart: policy }),
      resources: merged(spec.resources, resources),
    },
  };
}

/** Of the limits a container is to have, those to write for this change: memory goes with swap, a quota with its period. */
export function changedLimits(result: ResourceSpec, asked: ResourceSpec): ResourceSpec {
  const { memory, memorySwap, cpuPeriod, cpuQuota } = result;
  const quota = asked.cpuPeriod !== undefined || asked.cpuQuota !== undefined;
  return {
    ...asked,
    ...(asked.memory === 0 && asked.memorySwap === 0 ? {} : { memory, memorySwap }),
    ...(quota && cpuPeriod !== undefined ? { cpuPeriod } : {}),
    ...(quota && cpuQuota !== undefined ? { cpuQuota } : {}),
  };
}

function merged(before: ResourceSpec, asked: ResourceSpec): ResourceSpec {
  const swap = memoryAndSwap(before);
  if (asked.memory !== 0 && asked.memorySwap === 0 && asked.memory > swap) {
    throw refused(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
  refuseTwoQuotas(before, asked);
  const result = {
    ...before,
    ...asked,
    memory: asked.memory || before.memory,
    memorySwap: asked.memorySwap || swap,
    memoryReservation: asked.memoryReservation || before.memoryReservation,
    nanoCpus: asked.nanoCpus || before.nanoCpus,
    cpuShares: asked.cpuShares || before.cpuShares,
    cpusetCpus: asked.cpusetCpus || before.cpusetCpus,
    pidsLimit: asked.pidsLimit || before.pidsLimit,
  };
  // Docker leaves these two to the kernel, or to the next start.
  if (result.memorySwap > 0 && result.memory === 0)
    throw refused('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (result.memorySwap > 0 && result.memorySwap < result.memory)
    throw refused('Minimum memoryswap limit should be larger than memory limit, see usage');
  return result;
}

/** Docker: --cpus stands for a period and a quota, so a container has it or them. */
function refuseTwoQuotas(before: ResourceSpec, asked: ResourceSpec): void {
  const pairs = [
    ['CPU Period', 'cpuPeriod'],
    ['CPU Quota', 'cpuQuota'],
  ] as const;
  for (const [name, field] of pairs) {
    if (asked.nanoCpus > 0 && (before[field] ?? 0) > 0)
      throw refused(`Conflicting options: Nano CPUs cannot be updated as ${name} has already been set`);
    if ((asked[field] ?? 0) > 0 && before.nanoCpus > 0)
      throw refused(`Conflicting options: ${name} cannot be updated as NanoCPUs has already been set`);
  }
}

const refused = (message: string): MinidockError =>
  new MinidockError({ code: 'CANNOT_UPDATE', message, exitCode: 1 });
