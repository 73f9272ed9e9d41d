/** `--security-opt`, `--device` and `--sysctl`. A seccomp profile is read here, so that its file may go afterwards. */
import { readFileSync } from 'node:fs';
import type { ContainerSpec } from './container.ts';
import { invalidArgument, invalidSpec, reasonOf } from './flag-errors.ts';

/** They ask for less than Docker's default and get it: no labels are ever set. The last is read from the list. */
const NOTHING_TO_DO = ['apparmor=unconfined', 'label=disable', 'systempaths=unconfined'];

/** Whether nothing of /proc and /sys is hidden or made read-only. */
export const showsSystemPaths = (spec: Pick<ContainerSpec, 'privileged' | 'securityOpt'>): boolean =>
  spec.privileged || spec.securityOpt.some((option) => /^systempaths[=:]unconfined$/.test(option));

export function securityOptions(
  options: readonly string[],
): Pick<ContainerSpec, 'securityOpt' | 'seccompProfile' | 'noNewPrivileges'> {
  let seccompProfile = '';
  let noNewPrivileges = false;
  for (const option of options) {
    const [, key = '', value = ''] = /^([^=:]+)(?:[=:](.*))?$/.exec(option) ?? [];
    if (NOTHING_TO_DO.includes(`${key}=${value}`)) continue;
    if (key === 'no-new-privileges' && ['', 'true', 'false'].includes(value))
      noNewPrivileges = value !== 'false';
    else if (key === 'seccomp') seccompProfile = readProfile(value);
    else if (key === 'apparmor' || key === 'label') {
      throw invalidSpec(
        `security option "${option}" is not supported`,
        'minidock sets no AppArmor or SELinux label; it knows seccomp=…, no-new-privileges and systempaths=unconfined.',
      );
    } else throw invalidSpec(`Invalid --security-opt: "${option}"`);
  }
  return { securityOpt: options, seccompProfile, noNewPrivileges };
}

function readProfile(value: string): string {
  if (value === 'unconfined') return value;
  if (value === 'builtin' || value === '') return '';
  try {
    const text = readFileSync(value, 'utf8');
    JSON.parse(text);
    return text;
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw invalidSpec(`compacting json for seccomp profile (${value}) failed: ${error.message}`);
    }
    throw invalidSpec(`opening seccomp profile (${value}) failed: open ${value}: ${reasonOf(error)}`);
  }
}

/** Those of the container's own IPC and network namespaces: any other would be set for the whole machine. */
const NAMESPACED =
  /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|fs\.mqueue\.|net\.)/;

export function parseSysctls(entries: readonly string[], networkMode: string): Record<string, string> {
  const sysctls = keyValues(entries, '--sysctl');
  for (const [key, value] of Object.entries(sysctls)) {
    // As sysctl(8) spells them too: where the first separator is a slash, dots belong to the names.
    const slashed = /^[^.]*\//.test(key);
    const dotted = slashed ? key.replaceAll('.', '\0').replaceAll('/', '.') : key;
    if (!NAMESPACED.test(dotted) || dotted.split('.').some((name) => name.replaceAll('\0', '') === '')) {
      throw invalidArgument(`${key}=${value}`, '--sysctl', `sysctl '${key}=${value}' is not allowed`);
    }
    if (networkMode === 'host' && dotted.startsWith('net.')) {
      throw invalidSpec(
        `sysctl "${key}" not allowed in host network namespace`,
        "With --network host it would change the host's own setting.",
      );
    }
  }
  return sysctls;
}

function keyValues(entries: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      if (at <= 0) throw invalidArgument(entry, flag, `bad format, expected key=value`);
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** `/dev/fuse`, `/dev/fuse:/dev/x`, `/dev/fuse:/dev/x:rwm`, `/dev/fuse:r` */
export function parseDevice(text: string): ContainerSpec['devices'][number] {
  const [host = '', second, third] = text.split(':');
  const isAccess = (word: string | undefined): boolean => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const container = second === undefined || isAccess(second) ? host : second;
  const access = isAccess(second) ? second : third;
  if (!host.startsWith('/') || (access !== undefined && !isAccess(access))) {
    if (!host.startsWith('/')) throw invalidArgument(text, '--device', 'bad format for path');
    throw invalidSpec(`bad mode specified: ${access ?? ''}`);
  }
  return { host, container, access: access ?? 'rwm' };
}

/** `c 1:3 rwm`, in the words of the kernel's devices.allow. */
export function parseDeviceRules(rules: readonly string[] = []): Pick<ContainerSpec, 'deviceRules'> {
  const wrong = rules.find((rule) => !/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule));
  if (wrong !== undefined)
    throw invalidArgument(wrong, '--device-cgroup-rule', `invalid device cgroup format '${wrong}'`);
  return rules.length === 0 ? {} : { deviceRules: rules };
}
