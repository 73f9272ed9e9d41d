import { describe, expect, test } from '@jest/globals';
import type {
  ContainerConfig,
  ResourceSpec,
  RestartPolicy,
} from '../../../../../src/engine/spec/container.ts';
import { changedLimits, withUpdate } from '../../../../../src/engine/spec/update.ts';

const none: ResourceSpec = {
  memory: 0,
  memorySwap: 0,
  memoryReservation: 0,
  nanoCpus: 0,
  cpuShares: 0,
  cpusetCpus: '',
  pidsLimit: 0,
};
const configOf = (
  resources: Partial<ResourceSpec>,
  more: { readonly autoRemove?: boolean; readonly restart?: RestartPolicy } = {},
): ContainerConfig =>
  ({
    id: 'x',
    spec: { autoRemove: false, ...more, resources: { ...none, ...resources } },
  }) as ContainerConfig;
const limits = (before: Partial<ResourceSpec>, asked: Partial<ResourceSpec>): ResourceSpec =>
  withUpdate(configOf(before), { resources: { ...none, ...asked } }).spec.resources;

describe('limits', () => {
  test('what was not said stays; the sum that memory implied is one from now on', () => {
    expect(limits({ memory: 32, pidsLimit: 5 }, { memory: 48, cpuShares: 7 })).toEqual({
      ...none,
      memory: 48,
      memorySwap: 64,
      pidsLimit: 5,
      cpuShares: 7,
    });
  });

  test.each([
    [{ memory: 32 }, { memory: 65 }, 'Memory limit should be smaller than already set memoryswap limit'],
    [{}, { memory: 32 }, 'update the memoryswap at the same time'],
    [{}, { memorySwap: 32 }, 'You should always set the Memory limit when using Memoryswap limit'],
    [{ memory: 32 }, { memorySwap: 31 }, 'Minimum memoryswap limit should be larger than memory limit'],
    [{ nanoCpus: 5 }, { cpuPeriod: 9 }, 'CPU Period cannot be updated as NanoCPUs has already been set'],
    [{ cpuQuota: 9 }, { nanoCpus: 5 }, 'Nano CPUs cannot be updated as CPU Quota has already been set'],
  ])('%j with %j is refused', (before, asked, words) => {
    expect(() => limits(before, asked)).toThrow(words);
  });

  test('memory and its sum are written together, all else by itself', () => {
    const result = limits({ memory: 32, pidsLimit: 5 }, { memorySwap: 40 });
    expect(changedLimits(result, { ...none, memorySwap: 40 })).toEqual({
      ...none,
      memory: 32,
      memorySwap: 40,
    });
    const withQuota = { ...none, cpuQuota: 5000 };
    expect(changedLimits({ ...withQuota, cpuPeriod: 9000 }, { ...none, cpuPeriod: 9000 })).toEqual({
      ...withQuota,
      cpuPeriod: 9000,
    });
    expect(changedLimits(result, { ...none, cpuShares: 9 })).toEqual({ ...none, cpuShares: 9 });
  });
});

describe('restart policy', () => {
  const always: RestartPolicy = { name: 'always', maximumRetryCount: 0 };
  const no: RestartPolicy = { name: 'no', maximumRetryCount: 0 };

  test('is set, kept and taken away', () => {
    const update = (before: RestartPolicy | undefined, restart?: RestartPolicy): RestartPolicy | undefined =>
      withUpdate(configOf({}, before && { restart: before }), {
        resources: none,
        ...(restart && { restart }),
      }).spec.restart;
    expect(update(undefined, always)).toEqual(always);
    expect(update(always)).toEqual(always);
    expect(update(always, no)).toBeUndefined();
  });

  test('of a container that removes itself is refused', () => {
    const config = configOf({}, { autoRemove: true });
    expect(() => withUpdate(config, { resources: none, restart: always })).toThrow(
      'Restart policy cannot be updated because AutoRemove is enabled for the container',
    );
    expect(withUpdate(config, { resources: none, restart: no })).toEqual(config);
  });
});
