import { expect, test } from '@jest/globals';
import {
  parseCpuList,
  validateResources,
  type RequestedResources,
} from '../../../../runtime/cgroup/validate.ts';

const MiB = 1024 * 1024;
const nothing: RequestedResources = {
  memory: 0,
  memorySwap: 0,
  memoryReservation: 0,
  nanoCpus: 0,
  cpuShares: 0,
  cpusetCpus: '',
  pidsLimit: 0,
};
const host = { count: 2, online: '0-1' };
const check = (asked: Partial<RequestedResources>): void => validateResources({ ...nothing, ...asked }, host);

test.each<Partial<RequestedResources>>([
  {},
  { memory: 6 * MiB },
  { memory: 64 * MiB, memorySwap: -1 },
  { memory: 64 * MiB, memorySwap: 64 * MiB, memoryReservation: 32 * MiB },
  { memorySwap: -1 },
  { nanoCpus: 2e9 },
  { nanoCpus: 1e7 },
  { cpusetCpus: '0,1' },
  { cpusetCpus: '0-1' },
  { pidsLimit: -1 },
])('%j is fine', (asked) => {
  expect(() => check(asked)).not.toThrow();
});

test.each<[Partial<RequestedResources>, string]>([
  [{ memory: 6 * MiB - 1 }, 'Minimum memory limit allowed is 6MB'],
  [
    { memory: 64 * MiB, memorySwap: 32 * MiB },
    'Minimum memoryswap limit should be larger than memory limit, see usage',
  ],
  [{ memorySwap: 64 * MiB }, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
  [{ memoryReservation: 1 }, 'Minimum memory reservation allowed is 6MB'],
  [
    { memory: 8 * MiB, memoryReservation: 9 * MiB },
    'Minimum memory limit can not be less than memory reservation limit, see usage',
  ],
  [{ nanoCpus: 2e9 + 1 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
  [{ nanoCpus: -1e9 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
  [{ nanoCpus: 1e6 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
  [{ cpuShares: -1 }, 'invalid CPU shares (-1): value must be a positive integer'],
  [{ cpusetCpus: '2' }, 'Requested CPUs are not available - requested 2, available: 0-1'],
  [{ cpusetCpus: '1-0' }, 'Invalid value 1-0 for cpuset cpus: invalid format: 1-0'],
  [{ cpusetCpus: 'all' }, 'Invalid value all for cpuset cpus: invalid format: all'],
])('%j is refused', (asked, words) => {
  expect(() => check(asked)).toThrow(words);
});

test('lists of processors', () => {
  expect([...(parseCpuList('0-2,7') ?? [])]).toEqual([0, 1, 2, 7]);
  expect(parseCpuList('')).toBeUndefined();
  expect(parseCpuList('0,')).toBeUndefined();
});

test('the real machine has a processor 0', () => {
  expect(() => validateResources({ ...nothing, cpusetCpus: '0', nanoCpus: 1e9 })).not.toThrow();
});
