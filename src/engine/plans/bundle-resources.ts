/**
 * What a container may use: limits and devices, from what was asked for to the words of the OCI specification. Pure but
 * for the numbers of the block devices that are named.
 */
import { statSync } from 'node:fs';
import type { OciResources } from '../../../runtime/bundle.ts';
import { defaultDeviceRules } from '../../../runtime/rootfs/defaults.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { splitDevice } from '../../../runtime/rootfs/host-devices.ts';
import { memoryAndSwap, type ResourceSpec } from '../spec/container.ts';
import type { BundleInput } from './bundle-input.ts';

export function resources({ config: { spec }, devices, userNamespace }: BundleInput): OciResources {
  return {
    ...ociLimits(spec.resources),
    // Only the machine's own root may set such rules; what there is to open was lent, and no node can be made.
    devices:
      userNamespace !== undefined
        ? []
        : spec.privileged
          ? [{ allow: true, access: 'rwm' }]
          : [
              ...defaultDeviceRules,
              ...devices.map((device, index) => ({
                allow: true,
                type: device.type === 'p' ? ('c' as const) : device.type,
                major: device.major,
                minor: device.minor,
                access: spec.devices[index]?.access ?? 'rwm',
              })),
              ...(spec.deviceRules ?? []).map(deviceRule),
            ],
  };
}

/** Of a container, or of what `update` changes of one. */
export function ociLimits(resources: ResourceSpec): Omit<OciResources, 'devices'> {
  const { memory, memoryReservation, nanoCpus, cpuShares, cpusetCpus, pidsLimit, ...rare } = resources;
  const period = 100_000;
  const cpu = {
    ...(cpuShares === 0 ? {} : { shares: cpuShares }),
    ...(nanoCpus === 0 ? {} : { quota: Math.round((nanoCpus * period) / 1e9), period }),
    ...(cpusetCpus === '' ? {} : { cpus: cpusetCpus }),
    ...given({ quota: rare.cpuQuota, period: rare.cpuPeriod, mems: rare.cpusetMems }),
  };
  const limits = {
    ...(memory === 0 ? {} : { limit: memory, swap: memoryAndSwap(resources) }),
    ...(memoryReservation === 0 ? {} : { reservation: memoryReservation }),
    ...given({ swappiness: rare.memorySwappiness, disableOOMKiller: rare.oomKillDisable }),
  };
  const blockIO = blockIo(resources);
  return {
    ...(Object.keys(limits).length === 0 ? {} : { memory: limits }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(Object.keys(blockIO).length === 0 ? {} : { blockIO }),
    ...(pidsLimit <= 0 ? {} : { pids: { limit: pidsLimit } }),
  };
}

/** Without what is undefined. */
const given = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

type Rates = NonNullable<ResourceSpec['readBps']>;

function blockIo(resources: ResourceSpec): NonNullable<OciResources['blockIO']> {
  const rates = (
    list: Rates | undefined,
  ): readonly { major: number; minor: number; rate: number }[] | undefined =>
    list?.map(({ path, value }) => ({ ...blockDevice(path), rate: value }));
  return given({
    weight: resources.blkioWeight,
    weightDevice: resources.blkioWeightDevice?.map(({ path, value }) => ({
      ...blockDevice(path),
      weight: value,
    })),
    throttleReadBpsDevice: rates(resources.readBps),
    throttleWriteBpsDevice: rates(resources.writeBps),
    throttleReadIOPSDevice: rates(resources.readIops),
    throttleWriteIOPSDevice: rates(resources.writeIops),
  });
}

function blockDevice(path: string): { readonly major: number; readonly minor: number } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isBlockDevice() === true) return splitDevice(stats.rdev);
  throw new MinidockError({
    code: 'NO_SUCH_DEVICE',
    message: `cannot limit the device ${path}: ${stats === undefined ? 'no such file or directory' : 'not a block device'}`,
    exitCode: 125,
  });
}

/** Checked when it was given: 'c 1:3 rwm', with an asterisk for any number. */
function deviceRule(rule: string): OciResources['devices'][number] {
  const [type = 'a', numbers = '', access = 'rwm'] = rule.split(' ');
  const [major, minor] = numbers.split(':').map((word) => (word === '*' ? undefined : Number(word)));
  return { allow: true, type: type as 'a' | 'b' | 'c', ...given({ major, minor }), access };
}
