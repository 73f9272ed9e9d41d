/** What is taught: labs, scripts, `why`, the words of --explain. */
import { mutantsOf } from '../mutant.ts';

export const lab = [
  ...mutantsOf(
    'src/teach/lab/confine.ts',
    [
      'const FAMILIES = [1, 2, 10, 16, 17];',
      'const FAMILIES = [1, 2, 10, 16, 17, 40];',
      'unit/src/teach/lab/confine',
    ],
    ["  { index: 0, value: Math.max(...FAMILIES), op: 'SCMP_CMP_GT' },\n", '', 'unit/src/teach/lab/confine'],
    [
      'const SOCKETCALLS = [1, 8];',
      'const SOCKETCALLS = [1];',
      'unit/src/teach/lab/confine|e2e/teach/lab-hostile\\.',
    ],
    [
      "names: ['io_uring_setup']",
      "names: ['io_uring_enter']",
      'unit/src/teach/lab/confine|e2e/teach/lab-hostile\\.',
    ],
    [
      '  kernel.seccompSetFilter(filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW);\n',
      '  [filter, SECCOMP_FILTER_FLAG_SPEC_ALLOW].toString();\n',
      'e2e/teach/lab-hostile\\. -t no socket',
    ],
  ),
  ...mutantsOf('src/teach/lab/progress.ts', [
    'lesson === name && step ?',
    'step ?',
    'unit/src/teach/lab/progress',
  ]),
];

export const script = [
  ...mutantsOf(
    'src/teach/script/host-library.sh',
    ['undo=("$1" ', 'undo+=("$1" ', 'e2e/teach/script-undo\\. -t ends it'],
    [
      "  trap '' HUP INT TERM\n  set +e\n",
      '  set +e\n',
      'e2e/teach/script-undo\\.',
      'Only a second signal that comes while the first one’s undoing runs is caught by it',
    ],
    ['  rm -rf "$box"\n', '  :\n', 'e2e/teach/script-undo\\. -t ends it'],
  ),
  ...mutantsOf(
    'src/teach/script/container-library.sh',
    [
      '      ((++links <= 40)) || fail',
      '      ((++links <= 4000)) || fail',
      'e2e/teach/script\\. -t links that lead',
    ],
    ['      [[ $target != /* ]] || at=\n', '', 'e2e/teach/script\\. -t links that lead'],
    ['    ((fd <= 2)) || exec {fd}>&-\n', '    :\n', 'e2e/teach/script\\. -t nothing of the host'],
    ['  umask 022\n', '  umask 077\n', 'e2e/teach/script\\. -t nothing of the host'],
    ['  [[ -z $own ]] || gid=$(find_group "$own")\n', '', 'e2e/teach/script\\. -t same container'],
  ),
  ...mutantsOf('src/teach/script/host-steps.ts', [
    "if (command.kind === 'rmdir') return renderArgv(['remove_group', command.path]);",
    "if (command.kind === 'rmdir') return renderArgv(['rmdir', command.path]);",
    'e2e/teach/script-undo\\. -t ends it',
    'A process that was killed leaves its group in microseconds: rmdir(2) hardly ever comes before it',
  ]),
];

const whys = 'e2e/diagnose/why\\.';

export const why = [
  ...mutantsOf(
    'src/diagnose/why/walk/walk-socket.ts',
    [
      "familyOf(address) === 6 ? '::' : '0.0.0.0', '*', address]",
      "familyOf(address) === 6 ? '::' : '0.0.0.0', '*', '127.0.0.1', address]",
      `${whys} -t nothing listening`,
    ],
    [
      'const right = here.filter((listener) => listener.protocol === protocol);',
      'const right = here;',
      `${whys} -t other protocol`,
    ],
    [
      "loopback ? 'listen-loopback' : foreign ? others : 'listen-elsewhere'",
      "loopback ? 'listen-loopback' : 'listen-elsewhere'",
      'e2e/diagnose/why-oracle\\. -t IPv6',
    ],
  ),
  ...mutantsOf(
    'src/diagnose/why/walk/walk-filter.ts',
    ['if (flushed.length > 0) {', 'if (false) {', `${whys} -t flushed`],
    [
      'if (redirection.address !== final.address || redirection.port !== final.port) {',
      'if (false) {',
      `${whys} -t points elsewhere`,
    ],
    ['  if (home?.internal === true) {\n', '  if (false) {\n', `${whys} -t apart`],
    ['if (/^:FORWARD DROP/m.test(ruleset.legacy)) {', 'if (false) {', `${whys} -t legacy`],
  ),
];

export const explain = [
  ...mutantsOf(
    'src/teach/explain/step-json.ts',
    ['  without: step.without,\n', '  without: step.why,\n', 'unit/src/teach/explain'],
    [
      'stepDone: (step, ms, outcome) => line(step, { ms: Number(ms.toFixed(3)), outcome }),',
      "stepDone: (step, ms) => line(step, { ms: Number(ms.toFixed(3)), outcome: 'done' }),",
      'unit/src/teach/explain',
    ],
  ),
];
