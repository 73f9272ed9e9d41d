/** A container's life: its log, processes that join it, its end, and what is remembered of it. */
import { mutantsOf } from '../mutant.ts';

const log = 'unit/src/engine/(state/)?log|e2e/containers/logs\\.';

export const logs = [
  ...mutantsOf(
    'src/engine/state/logs/log-tail.ts',
    ['skip: seen + breaks - lines + 1 }', 'skip: seen + breaks - lines }', log],
    ['if (following === undefined && payload.at(-1) === 0x0a) breaks -= 1;', '', log],
    ['if (lines === 0) return { file: placed.file, offset: placed.end, skip: 0 };', '', log],
  ),
  ...mutantsOf(
    'src/engine/state/logs/log-file.ts',
    ['else if (end < size) ftruncateSync(this.fd, end);', '', log],
    ['    header[4] = kind;\n', '    header[4] = 1;\n', log],
    ['else ftruncateSync(this.fd, this.size);', '', 'e2e/containers/log-limits\\. -t full disk'],
  ),
  ...mutantsOf(
    'src/engine/logs.ts',
    [
      'const follows = options.follow && isActive(container.state);',
      'const follows = false;',
      'e2e/containers/logs\\. -t follow',
    ],
    [
      '      if (last) return;\n',
      '      if (over) return;\n',
      'e2e/containers/logs\\. -t follow',
      'What was written last is read in the same round nearly always: the loss is a race of microseconds',
    ],
  ),
];

const execs = 'e2e/containers/exec\\.';

export const exec = [
  ...mutantsOf(
    'src/engine/plans/exec-plan.ts',
    [
      '    process: execProcess(bundle.process, options),\n',
      '    process: { ...execProcess(bundle.process, options), noNewPrivileges: false },\n',
      `${execs} -t no_new_privs`,
    ],
    [
      '    process: execProcess(bundle.process, options),\n',
      '    process: { ...execProcess(bundle.process, options), rlimits: [] },\n',
      `${execs} -t no_new_privs`,
    ],
    [
      '    ...(seccomp === undefined ? {} : { seccomp }),\n',
      '    ...(seccomp === undefined ? { seccomp } : {}),\n',
      `${execs} -t privileg|no_new`,
    ],
    [
      'cgroupProcs: cgroupProcsFiles(bundle.linux.cgroupsPath)',
      'cgroupProcs: cgroupProcsFiles(bundle.linux.cgroupsPath).slice(0, 0)',
      'e2e/\\S+/(exec|limits)\\.',
    ],
    ["options.workdir === '' ? base.cwd : options.workdir", 'base.cwd', `${execs} -t and -u`],
    ["options.user === '' ? base.user :", "options.user !== 'x' ? base.user :", `${execs} -t and -u`],
    [
      'options.privileged ? allCapabilities() : base.capabilities.bounding',
      'allCapabilities()',
      `${execs} -t privileg`,
    ],
    [
      "[...base.env, ...(options.tty ? ['TERM=xterm'] : []), ...options.env]",
      "[...options.env, ...(options.tty ? ['TERM=xterm'] : []), ...base.env]",
      `${execs} -t and -u`,
    ],
  ),
  ...mutantsOf(
    'runtime/process/enter/enter-steps.ts',
    ['    ...(process.oomScoreAdj === undefined ? [] : [setOomScore(process.oomScoreAdj)]),\n', '', execs],
    ["    joinKeyring('exec.join-keyring', request.keyring),\n", '', execs],
  ),
];

export const lifecycle = [
  ...mutantsOf(
    'src/engine/stop.ts',
    [
      'options.signal ?? spec.stopSignal',
      "options.signal ?? 'SIGTERM'",
      'e2e/containers/lifecycle\\. -t stop, kill',
    ],
    ['options.timeout ?? spec.stopTimeout', 'spec.stopTimeout', 'e2e/containers/lifecycle\\. -t stop, kill'],
  ),
  ...mutantsOf(
    'src/engine/lifecycle.ts',
    ['if (!options.force) throw stillRunning(name, now.state.status);', '', 'e2e/containers/lifecycle\\.'],
    [
      '  if (!isActive(container.state)) return container.state.exitCode;\n',
      '  if (!isActive(container.state)) return 0;\n',
      'e2e/containers/lifecycle\\. -t create, start, wait',
    ],
    [
      'if (message !== undefined) return message.exitCode;',
      'if (message !== undefined) return 0;',
      'e2e/containers/lifecycle\\. -t create, start, wait',
    ],
    [
      'if (lock === undefined) return false;\n  try {\n    const now',
      'if (lock === undefined) return true;\n  try {\n    const now',
      'e2e/\\S+/(lifecycle|crash)\\. -t rm |killed',
    ],
  ),
  ...mutantsOf(
    'src/engine/spec.ts',
    [
      'own === undefined ? (defaults.Cmd ?? []) : []',
      '(defaults.Cmd ?? [])',
      'e2e/containers/run\\.|unit/src/engine/create',
    ],
    [
      "request.user ?? defaults.User ?? ''",
      "request.user ?? ''",
      'e2e/containers/run\\.|unit/src/engine/create',
    ],
    [
      "request.stopSignal ?? defaults.StopSignal ?? 'SIGTERM'",
      "request.stopSignal ?? 'SIGTERM'",
      'e2e/containers/run\\.|unit/src/engine/create',
    ],
    [
      "parseInteger(request.stopTimeout, '--stop-timeout') ?? 10",
      "parseInteger(request.stopTimeout, '--stop-timeout') ?? 30",
      'e2e/\\S+/(run|lifecycle)\\.|unit/src/engine/create',
    ],
    [
      '{ ...(defaults.Labels ?? {}), ...parseLabels',
      '{ ...parseLabels',
      'e2e/containers/run\\.|unit/src/engine/create',
    ],
  ),
  ...mutantsOf(
    'src/engine/network/network-flags.ts',
    ['.filter((port) => !published.has(port))', '', 'e2e/containers/run\\.|unit/src/engine/create'],
    ['if (first % 2 === 1 || bytes.every', 'if (bytes.every', 'e2e/faults/errors\\.|unit/src/engine/create'],
  ),
];

export const state = [
  ...mutantsOf(
    'src/engine/state/container-names.ts',
    [
      '      if (refusal !== undefined) throw refusal;\n',
      '',
      'unit/src/engine/state/store|e2e/containers/lifecycle\\.',
    ],
    [
      'if (owner === undefined || !existsSync(containerDir(this.paths, owner))) return undefined;',
      'if (owner === undefined) return undefined;',
      'unit/src/engine/state/store|e2e/\\S+/(lifecycle|crash)\\.',
    ],
  ),
  ...mutantsOf(
    'src/engine/state/atomic-file.ts',
    [
      '    renameSync(temporary, path);\n    moved = true;\n',
      '    writeFileSync(path, text, { mode });\n    moved = renameSync === undefined;\n',
      'unit/src/engine/state/(atomic-file|store)|e2e/containers/places\\.',
    ],
    [
      'const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);',
      'const fd = openSync(path, constants.O_RDWR);',
      'unit/src/engine/state/(atomic-file|store)|e2e/containers/places\\.',
    ],
    ['if (length < SIZE) return', 'if (length <= SIZE) return', 'unit/src/engine/state/atomic-file'],
  ),
  ...mutantsOf('src/engine/state/volumes.ts', [
    'toFill: subpath !== undefined || mayBeEmpty(paths, existing),',
    'toFill: subpath !== undefined,',
    'e2e/volumes/volume-filling\\. -t empty',
  ]),
  ...mutantsOf(
    'src/engine/state/volume-copy-child.ts',
    [
      'begun || readdirSync(throughOurs(to)).length === 0',
      'begun || readdirSync(throughOurs(to)).length >= 0',
      'e2e/volumes/volume-filling\\. -t files',
    ],
    ["'--archive', '--remove-destination'", "'--archive'", 'e2e/volumes/volume-filling\\. -t pipe'],
  ),
  ...mutantsOf('src/engine/volumes/remove.ts', [
    '  unmountAll(volumeData(paths, name), hostOf(kernel));\n',
    '  void [unmountAll, volumeData, hostOf, kernel];\n',
    'e2e/volumes/volume-file-systems\\. -t empties',
  ]),
  ...mutantsOf(
    'runtime/volumes/hold.ts',
    [
      'if (unlock !== undefined && readdirSync(users).length > 0) return;',
      'void readdirSync;',
      'unit/runtime/volumes/hold',
    ],
    ['  if (isMounted(target, host)) return;\n', '', 'unit/runtime/volumes/hold'],
    ['while (isMounted(target, host))', 'if (isMounted(target, host))', 'unit/runtime/volumes/hold'],
  ),
];
