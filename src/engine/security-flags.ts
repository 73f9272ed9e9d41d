/** `--security-opt`, `--device` and `--sysctl`. A seccomp profile is read here, so that its file may go afterwards. */
import { readFileSync } from 'node:fs';
import type { ContainerSpec } from './container.ts';
import { invalidArgument, invalidSpec } from './flag-errors.ts';

export function securityOptions(
  options: readonly string[],
): Pick<ContainerSpec, 'securityOpt' | 'seccompProfile' | 'noNewPrivileges'> {
  let seccompProfile = '';
  let noNewPrivileges = false;
  for (const option of options) {
    const [, key = '', value = ''] = /^([^=:]+)(?:[=:](.*))?$/.exec(option) ?? [];
    if (key === 'no-new-privileges') noNewPrivileges = value !== 'false';
    else if (key === 'seccomp') seccompProfile = readProfile(value);
    else if (key === 'apparmor' || key === 'label' || key === 'systempaths') {
      throw invalidSpec(
        `security option "${option}" is not supported`,
        'minidock sets no AppArmor or SELinux label; it knows seccomp=… and no-new-privileges.',
      );
    } else throw invalidSpec(`invalid --security-opt: "${option}"`);
  }
  return { securityOpt: options, seccompProfile, noNewPrivileges };
}

function readProfile(value: string): string {
  if (value === 'unconfined') return value;
  if (value === 'builtin' || value === '') return '';
  let text: string;
  try {
    text = readFileSync(value, 'utf8');
    JSON.parse(text);
  } catch (error) {
    throw invalidSpec(`opening seccomp profile (${value}) failed: ${(error as Error).message}`);
  }
  return text;
}

export function keyValues(entries: readonly string[], flag: string): Record<string, string> {
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
    throw invalidArgument(text, '--device', 'bad format for path');
  }
  return { host, container, access: access ?? 'rwm' };
}
