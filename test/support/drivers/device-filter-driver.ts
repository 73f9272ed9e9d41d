/** Run by Bun: `device-filter-driver.ts CGROUP RULES-AS-JSON` attaches a device filter to a cgroup of version 2. */
import { attachDeviceFilter } from '../../../runtime/cgroup/attach-device-filter.ts';
import type { DeviceRules } from '../../../runtime/cgroup/devices.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

const [directory = '', rules = '[]'] = process.argv.slice(2);
attachDeviceFilter(directory, JSON.parse(rules) as DeviceRules, kernel);
