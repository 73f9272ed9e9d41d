/**
 * Which devices a container may use. CAP_MKNOD is among the default capabilities, so a container can make a node of
 * the host's disk; what stops it from opening that node is the rule list here.
 *
 * Version 1 has two files for it, devices.deny and devices.allow. Version 2 has none: there a small eBPF program is
 * attached to the group, which the kernel asks at every mknod(2) and open(2) of a device (device-filter.ts).
 */
import type { OciResources } from '../bundle.ts';
import type { HostStep } from '../plan/step.ts';

export type DeviceRules = OciResources['devices'];

const WHY =
  "With CAP_MKNOD, one of Docker's default capabilities, root in the container can create a node for any device; " +
  'the group decides whether a process may open it.';
const WITHOUT = "The container could read and write the host's disks after one mknod.";

export function deviceStepsV1(directory: string, freedBy: string, rules: DeviceRules): HostStep[] {
  return rules.map((rule) => {
    const file = `${directory}/devices.${rule.allow ? 'allow' : 'deny'}`;
    const text = deviceRuleText(rule);
    const all = text.startsWith('a ');
    return {
      id: `cgroup.devices:${rule.allow ? 'allow' : 'deny'}:${text}`,
      section: 'cgroup',
      title: `${rule.allow ? 'Allow' : 'Deny'} ${all ? 'all devices' : `device ${text}`}`,
      why: WHY,
      without: WITHOUT,
      command: { kind: 'write', path: file, text },
      undo: { kind: 'freedBy', step: freedBy },
      observe: ['cat', `${directory}/devices.list`],
    };
  });
}

export function deviceStepsV2(directory: string, freedBy: string, rules: DeviceRules): HostStep[] {
  // Without rules, or with the one that allows all, there is nothing to ask about.
  if (rules.every(({ allow }) => allow)) return [];
  return [
    {
      id: 'cgroup.devices',
      section: 'cgroup',
      title: 'Restrict devices by an eBPF program',
      why: WHY,
      without: WITHOUT,
      command: { kind: 'filter-devices', path: directory, rules },
      undo: { kind: 'freedBy', step: freedBy },
      observe: ['bpftool', 'cgroup', 'list', directory],
    },
  ];
}

/** `c 1:3 rwm`, in the words of devices.allow; `a *:* rwm` is every device. */
export function deviceRuleText({ type = 'a', major, minor, access = 'rwm' }: DeviceRules[number]): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`;
}
