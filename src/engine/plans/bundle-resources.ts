/** What a container may use: limits and devices, from what was asked for to the words of the OCI specification. Pure. */
import type { OciResources } from '../../../runtime/bundle.ts';
import { defaultDeviceRules } from '../../../runtime/rootfs/defaults.ts';
import type { BundleInput } from './bundle-input.ts';

export function resources({ config: { spec }, devices, userNamespace }: BundleInput): OciResources {
  const { memory, memorySwap, memoryReservation, nanoCpus, cpuShares, cpusetCpus, pidsLimit } =
    spec.resources;
  const period = 100_000;
  const cpu = {
    ...(cpuShares === 0 ? {} : { shares: cpuShares }),
    ...(nanoCpus === 0 ? {} : { quota: Math.round((nanoCpus * period) / 1e9), period }),
    ...(cpusetCpus === '' ? {} : { cpus: cpusetCpus }),
  };
  const limits = {
    ...(memory === 0 ? {} : { limit: memory, swap: memorySwap === 0 ? memory * 2 : memorySwap }),
    ...(memoryReservation === 0 ? {} : { reservation: memoryReservation }),
  };
  return {
    ...(Object.keys(limits).length === 0 ? {} : { memory: limits }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit <= 0 ? {} : { pids: { limit: pidsLimit } }),
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
            ],
  };
}
