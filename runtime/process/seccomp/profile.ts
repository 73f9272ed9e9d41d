/**
 * Reads seccomp profiles: Docker's format, where a rule may depend on the container's capabilities, the machine
 * and the kernel, and OCI's, which is what remains once those conditions are decided. Deciding them gives the
 * bundle's linux.seccomp. minidock's own default (default-profile.ts) is a profile like any other.
 *
 * Source: docs.docker.com/engine/security/seccomp, runtime-spec config-linux.md#seccomp.
 */
import { release } from 'node:os';
import type { OciSeccomp } from '../../bundle.ts';
import { MinidockError } from '../../errors.ts';
import { actionValue } from './actions.ts';
import { DEFAULT_PROFILE } from './default-profile.ts';
import type { NativeArch } from './syscalls.ts';
import type { SeccompProfile, ProfileRule } from './profile-format.ts';

/** The filter of a container that asked for nothing special, given its bounding capabilities. */
export function defaultSeccomp(
  capabilities: readonly string[],
  arch: NativeArch,
  kernel: string = release(),
): OciSeccomp {
  return resolveProfile(DEFAULT_PROFILE, capabilities, arch, kernel);
}

/** A profile's text. @throws INVALID_SECCOMP_PROFILE or SECCOMP_UNSUPPORTED. */
export function parseSeccompProfile(
  json: string,
  capabilities: readonly string[],
  arch: NativeArch,
  kernel: string = release(),
): OciSeccomp {
  let profile: unknown;
  try {
    // Numbers beyond 2^53 would be rounded; as strings they survive (bundle.ts says so of `value`).
    profile = JSON.parse(json.replace(/("value(?:Two)?"\s*:\s*)(\d{16,20})(?=\s*[,}])/g, '$1"$2"'));
  } catch (cause) {
    throw new MinidockError({
      code: 'INVALID_SECCOMP_PROFILE',
      message: `Decoding seccomp profile failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'a profile is a JSON file',
      cause,
    });
  }
  return resolveProfile(checkShape(profile), capabilities, arch, kernel);
}

/** Decides every condition. The kernel is a release as uname(2) gives it: '6.12.101-amd64'. */
function resolveProfile(
  profile: SeccompProfile,
  capabilities: readonly string[],
  arch: NativeArch,
  kernel: string,
): OciSeccomp {
  const docker = arch === 'x86_64' ? 'amd64' : 'arm64';
  const native = arch === 'x86_64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64';
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native);

  const applies = (rule: ProfileRule): boolean => {
    const includes = rule.includes ?? {};
    const excludes = rule.excludes ?? {};
    if (excludes.arches?.includes(docker) === true) return false;
    if (excludes.caps?.some((name) => capabilities.includes(name)) === true) return false;
    if (isGiven(excludes.minKernel) && isKernelAtLeast(kernel, excludes.minKernel)) return false;
    if (isNonEmpty(includes.arches) && !includes.arches.includes(docker)) return false;
    if (includes.caps?.some((name) => !capabilities.includes(name)) === true) return false;
    return !isGiven(includes.minKernel) || isKernelAtLeast(kernel, includes.minKernel);
  };

  return {
    defaultAction: profile.defaultAction,
    ...(isAbsent(profile.defaultErrnoRet) ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures:
      mapped === undefined
        ? (profile.architectures ?? [])
        : [mapped.architecture, ...(mapped.subArchitectures ?? [])],
    syscalls: (profile.syscalls ?? []).filter(applies).map((rule) => ({
      names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
      action: rule.action,
      ...(isAbsent(rule.errnoRet) ? {} : { errnoRet: rule.errnoRet }),
      ...(isNonEmpty(rule.args) ? { args: rule.args } : {}),
    })),
  };
}

/** Compares the first two numbers of a release: '6.12.101-amd64' is at least '4.8'. */
export function isKernelAtLeast(kernel: string, least: string): boolean {
  const numbers = (text: string): [number, number] => {
    const match = /^(\d+)\.(\d+)/.exec(text);
    if (match === null) throw invalid(`"${text}" is not a kernel version such as 4.8`);
    return [Number(match[1]), Number(match[2])];
  };
  const [major, minor] = numbers(kernel);
  const [leastMajor, leastMinor] = numbers(least);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** A profile comes from a user's file: everything that is read later is looked at here, and named when wrong. */
function checkShape(value: unknown): SeccompProfile {
  if (!isRecord(value)) throw invalid('it is not a JSON object');
  const { defaultAction, architectures, archMap, syscalls = [] } = value;
  if (typeof defaultAction !== 'string') throw invalid('"defaultAction" is missing');
  actionValue(defaultAction);
  if (isFilled(architectures) && isFilled(archMap)) {
    throw invalid(
      `both 'architectures' and 'archMap' are specified, use either 'architectures' or 'archMap'`,
    );
  }
  if (value['listenerPath'] !== undefined)
    throw invalid('"listenerPath" is not supported: nothing would listen');
  if (!isList(architectures, isString)) throw invalid('"architectures" is not a list of names');
  const isMapped = (entry: unknown): boolean =>
    isRecord(entry) && isString(entry['architecture']) && isList(entry['subArchitectures'], isString);
  if (!isList(archMap, isMapped)) {
    throw invalid('an entry of "archMap" is not an "architecture" and a list of "subArchitectures"');
  }
  if (!isErrno(value['defaultErrnoRet'])) throw invalid('"defaultErrnoRet" is not a number');
  if (!isList(syscalls, isRecord)) throw invalid('"syscalls" is not a list of rules');
  for (const [i, rule] of ((syscalls ?? []) as readonly Record<string, unknown>[]).entries()) {
    checkRule(rule, `syscalls[${i}]`);
  }
  return value as unknown as SeccompProfile;
}

function checkRule(rule: Record<string, unknown>, at: string): void {
  const { names, name, action, args } = rule;
  if (isFilled(names) && typeof name === 'string' && name !== '') {
    throw invalid(`${at}: both 'name' and 'names' are specified, use either 'name' or 'names'`);
  }
  if (!isList(names, isString)) throw invalid(`${at}: "names" is not a list of names`);
  if (names === undefined && typeof name !== 'string') throw invalid(`${at}: it names no system call`);
  if (typeof action !== 'string') throw invalid(`${at}: "action" is missing`);
  actionValue(action);
  const isArgument = (arg: unknown): boolean =>
    isRecord(arg) &&
    typeof arg['index'] === 'number' &&
    typeof arg['op'] === 'string' &&
    isValue(arg['value']) &&
    (isAbsent(arg['valueTwo']) || isValue(arg['valueTwo']));
  if (!isList(args, isArgument)) throw invalid(`${at}: an entry of "args" lacks index, value or op`);
  if (!isErrno(rule['errnoRet'])) throw invalid(`${at}: "errnoRet" is not a number`);
  for (const conditions of [rule['includes'], rule['excludes']]) {
    if (conditions === undefined || conditions === null) continue;
    if (
      !isRecord(conditions) ||
      !isList(conditions['caps'], isString) ||
      !isList(conditions['arches'], isString) ||
      !(isAbsent(conditions['minKernel']) || isString(conditions['minKernel']))
    ) {
      throw invalid(`${at}: "includes" and "excludes" hold lists of "caps" and "arches" and a "minKernel"`);
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isString = (value: unknown): boolean => typeof value === 'string';
const isValue = (value: unknown): boolean =>
  (typeof value === 'number' || typeof value === 'string') && /^\d+$/.test(String(value));
const isErrno = (value: unknown): boolean =>
  isAbsent(value) || (Number.isInteger(value) && (value as number) >= 0);
/** As Go's JSON has it: an errno of null is none given, not one of 0. */
const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
const isGiven = (value: string | null | undefined): value is string => !isAbsent(value) && value !== '';
const isNonEmpty = <T>(value: readonly T[] | undefined | null): value is readonly T[] =>
  value !== undefined && value !== null && value.length > 0;
const isFilled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
/** Go's JSON reads null and a missing list alike. */
const isList = (value: unknown, of: (item: unknown) => boolean): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.every(of));

function invalid(what: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_SECCOMP_PROFILE',
    message: `invalid seccomp profile: ${what}`,
    hint: 'the format is described at https://docs.docker.com/engine/security/seccomp/',
  });
}
