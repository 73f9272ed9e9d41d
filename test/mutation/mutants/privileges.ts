/** Capabilities, the seccomp filter, and what else a process takes off before it is the program. */
import { mutantsOf } from '../mutant.ts';

const inside = 'e2e/containers/isolation\\.';

export const capabilities = [
  ...mutantsOf(
    'runtime/process/capabilities.ts',
    [
      'export const DEFAULT_CAPABILITIES: readonly string[] = [\n',
      "export const DEFAULT_CAPABILITIES: readonly string[] = [\n  'CAP_SYS_PTRACE',\n",
      `${inside} -t privileges`,
    ],
    [
      '(DEFAULT_CAPABILITIES.includes(name) && !drop.has(name))',
      'DEFAULT_CAPABILITIES.includes(name)',
      `${inside} -t privileges`,
    ],
    [
      "if (drop.has('ALL')) return CAPABILITIES.filter((name) => add.has(name));",
      "if (drop.has('ALL')) return [];",
      `${inside} -t privileges`,
    ],
    [
      "if (add.has('ALL')) return available.filter((name) => !drop.has(name));",
      "if (add.has('ALL')) return available;",
      'unit/runtime/process/capabilities',
    ],
    ['if (request.privileged) return available;', '', `${inside} -t privileges`],
  ),
  ...mutantsOf(
    'runtime/process/identity/identity.ts',
    [
      'if ((kept & mask) === 0n) kernel.prctl(k.PR_CAPBSET_DROP, bit);',
      'if ((kept & mask) === 0n) void 0;',
      `${inside} -t privileges`,
    ],
    [
      'capabilityMask(capabilities.effective) & permitted,',
      'permitted,',
      `${inside} -t privileges`,
      'capabilitySets makes both the same for everyone but a user that is not root, and execve(2) then drops both',
    ],
    ['capabilityMask(capabilities.inheritable) & held,', 'permitted,', `${inside} -t privileges`],
    ['if (identity.noNewPrivileges) kernel.prctl', 'if (false) kernel.prctl', `${inside} -t privileges`],
    ["takeIds('gid', identity.groups, (groups) => kernel.setgroups(groups));", '', 'e2e/containers/run\\.'],
    ["takeIds('gid', [identity.gid], () => kernel.setresgid(identity.gid));", '', 'e2e/\\S+/(run|exec)\\.'],
    ['kernel.prctl(k.PR_SET_DUMPABLE, 0);', '', 'unit/runtime/process/identity'],
  ),
];

export const seccomp = [
  ...mutantsOf(
    'runtime/process/seccomp/compile.ts',
    [
      'program.push(ret(RET_KILL_PROCESS));',
      'program.push(ret(profile.otherwise));',
      'unit/runtime/process/seccomp|kernel/seccomp\\.',
    ],
    [
      'const killed = { from: X32_BIT, body: [ret(RET_KILL_PROCESS)] };',
      'const killed = { from: X32_BIT, body: [ret(profile.newer)] };',
      'unit/runtime/process/seccomp|kernel/seccomp\\.',
    ],
    [
      'startRange(next, newer);',
      'startRange(next, otherwise);',
      'unit/runtime/process/seccomp|kernel/seccomp\\.',
    ],
    ['if (number > next) startRange(next, otherwise);', '', 'unit/runtime/process/seccomp|kernel/seccomp\\.'],
  ),
  ...mutantsOf(
    'runtime/process/seccomp/arguments.ts',
    [
      'wide ? [high, ...first, low, ...second] : [low, ...second]',
      '[low, ...second]',
      'unit/runtime/process/seccomp',
    ],
    ["op === 'SCMP_CMP_GT' ? JGT : JGE", "op === 'SCMP_CMP_GT' ? JGE : JGE", 'unit/runtime/process/seccomp'],
    [
      "test(JEQ, valueHigh, 'next', 'holds')], [test(JEQ, k, 'fails', 'next')]",
      "test(JEQ, valueHigh, 'next', 'fails')], [test(JEQ, k, 'fails', 'next')]",
      'unit/runtime/process/seccomp',
    ],
  ),
  ...mutantsOf(
    'runtime/process/perform.ts',
    [
      '  if (context.filter === undefined) return;\n',
      '  if (context.filter !== undefined) return;\n',
      `${inside} -t privileges`,
    ],
    [
      'context.filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW',
      'context.filter, 0 * SECCOMP_FILTER_FLAG_SPEC_ALLOW',
      'unit/runtime/process/perform',
    ],
  ),
];

export const process = [
  ...mutantsOf(
    'runtime/process/perform.ts',
    [
      '  kernel.closeAllBut(3, context.channel);\n',
      '',
      `${inside} -t what reaches`,
      'All that minidock opens is close-on-exec and its spawn hands on no more than the standard streams: this closes once more',
    ],
    ['  kernel.umask(0o022);\n', '  kernel.umask(0o077);\n', `${inside} -t what reaches`],
    ['  kernel.resetSignals();\n', '', `${inside} -t what reaches`],
    [
      'kernel.setrlimit(resource, soft, hard);',
      'kernel.setrlimit(resource, hard, hard);',
      `${inside} -t ulimit`,
    ],
    [
      "writeFileSync('/proc/self/oom_score_adj', String(command.value))",
      "writeFileSync('/proc/self/oom_score_adj', '0')",
      `${inside} -t ulimit`,
    ],
    ['  ownStdio(user.uid);\n', '', 'kernel/process\\.|e2e/\\S+/(run|terminal)\\.'],
    [
      '  leaveHostNull(context.kernel, () => openNull(context));\n',
      '  openNull.toString(); leaveHostNull.toString();\n',
      `${inside} -t what reaches`,
    ],
    ['      kernel.setsid();\n', '', 'kernel/process\\.|e2e/\\S+/(isolation|terminal)\\.'],
    [
      '    kernel.joinSessionKeyring(name);\n',
      '    void name;\n',
      'kernel/process\\.|e2e/\\S+/(isolation|exec)\\.',
    ],
    [
      "return [...env.filter((entry) => !entry.startsWith('HOME=')), `HOME=${home}`];",
      'return env;',
      'unit/runtime/process/perform|e2e/containers/run\\.',
    ],
    [
      'if (context.cwdPending) changeDirectory(command.cwd, context);',
      '',
      'e2e/containers/userns\\. -t working directory',
    ],
  ),
];
